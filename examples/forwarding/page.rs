//! The report as a page for a customer: one file, without scripts, that loads nothing.

use std::fmt::{self, Display, Write};

use crate::discards::{Group, Line};
use crate::report::Report;
use crate::visible::{Score, Visible, VisibleSender};

/// The whole document.
pub(crate) struct Page<'a> {
    pub(crate) report: &'a Report<'a>,
    /// Whether it is written again while messages come, so that a browser should look again.
    pub(crate) is_kept_current: bool,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        f.write_str(HEAD)?;
        if self.is_kept_current {
            writeln!(f, "<meta http-equiv=\"refresh\" content=\"60\">")?;
        }
        writeln!(f, "<title>Forwarded Discards, {}</title>", report.days())?;
        writeln!(f, "<style>{STYLE}</style>")?;
        writeln!(f, "</head>\n<body>\n<main>")?;
        writeln!(f, "<h1>Forwarded Discards</h1>")?;
        write!(f, "<p class=\"days\">{}", report.days())?;
        if let Some(customer) = report.customer {
            write!(f, " · {}", Isolated(Visible(customer)))?;
        }
        writeln!(f, "</p>")?;
        self.explain(f)?;
        let mut target = None;
        for group in &report.discards {
            if let Some(new) = group.target
                && target.replace(new) != Some(new)
            {
                let new = Isolated(Visible(new));
                writeln!(f, "<h2><small>Not forwarded to</small> {new}</h2>")?;
            }
            table(f, group)?;
        }
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

impl Page<'_> {
    fn explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let cut_off = Score(report.spam_cut_off);
        let whose = match report.spam_destinations {
            "all" => "",
            _ => " to some mail providers",
        };
        writeln!(
            f,
            "<p>We do not forward messages{whose} that our spam filter scores {cut_off} or higher.",
        )?;
        match report.count() {
            0 => writeln!(f, "There were none.</p>"),
            1 => writeln!(f, "There was one. This is who sent it.</p>"),
            count => writeln!(
                f,
                "There were {count}. This is who sent them, as far as the sender's address can be \
                 believed.</p>"
            ),
        }
    }
}

fn table(f: &mut fmt::Formatter<'_>, group: &Group<'_>) -> fmt::Result {
    writeln!(f, "<table>")?;
    match group.recipient {
        Some(recipient) => {
            let recipient = Isolated(Visible(recipient));
            writeln!(f, "<caption>mail to {recipient}</caption>")?;
        }
        None => writeln!(f, "<caption>mail to all other recipients</caption>")?,
    }
    writeln!(
        f,
        "<thead><tr><th scope=\"col\">Count</th><th scope=\"col\">Highest score</th>\
         <th scope=\"col\">Sender</th></tr></thead>\n<tbody>"
    )?;
    for line in &group.senders {
        row(f, line)?;
    }
    writeln!(f, "</tbody>\n</table>")
}

fn row(f: &mut fmt::Formatter<'_>, line: &Line<'_>) -> fmt::Result {
    let highest = Score(line.highest_score);
    write!(f, "<tr><td>{}</td><td>{highest}</td><td>", line.count)?;
    match line.sender {
        Some("") => write!(f, "<i>no sender, as bounces have none</i>")?,
        Some(sender) => write!(f, "{}", Isolated(VisibleSender(sender)))?,
        None => write!(f, "<i>all other senders</i>")?,
    }
    writeln!(f, "</td></tr>")
}

/// An address in an element of its own, from left to right: whatever is written from right to left in
/// it stays within, and the domain comes last.
struct Isolated<T>(T);

impl<T: Display> Display for Isolated<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi dir=\"ltr\">")?;
        write!(Escape(f), "{}", self.0)?;
        f.write_str("</bdi>")
    }
}

/// Writes text so that HTML takes it for nothing else.
struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            // Where an address that is too wide for a phone is divided first.
            '@' => self.0.write_str("<wbr>@"),
            _ => self.0.write_char(character),
        })
    }
}

/// Should an address ever get past [`Escape`], the policy still lets nothing run, load or be sent.
const HEAD: &str = "\
<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" \
content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta name=\"referrer\" content=\"no-referrer\">
<meta name=\"robots\" content=\"noindex\">
";

const STYLE: &str = include_str!("page.css");

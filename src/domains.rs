//! A set of domains: listed, with or without their subdomains, or told by a function.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use std::collections::HashSet;

use crate::error::DomainsError;

/// The longest domain in octets (RFC 5321 §4.5.3.1.2).
const MAX_OCTETS: usize = 255;

/// A set of domains, such as those that are local.
///
/// An entry `example.com` stands for that domain alone, `.example.com` for its subdomains at any
/// depth, but not for itself, as in `PostSRSd`. An address literal such as `[192.0.2.1]` is an entry
/// too. ASCII letters match without regard to case; an internationalised domain matches in the form
/// that is listed, so list it in both, with and without `xn--`.
///
/// To look one up takes one hash, and one more for each of its labels if any entry begins with a full
/// stop, however many are listed. The hash has a random key, so that nobody can send domains that
/// make it slow.
///
/// ```
/// use mail_srs::Domains;
///
/// let domains = Domains::from_lines("example.com\n.example.net   # not example.net itself\n")?;
/// assert!(domains.contains("Example.COM"));
/// assert!(domains.contains("mx.eu.example.net"));
/// assert!(!domains.contains("example.net"));
/// # Ok::<(), mail_srs::DomainsError>(())
/// ```
///
/// A clone is cheap, and shares the entries: a domain can be both local and one that is accepted.
#[derive(Clone)]
pub struct Domains(Members);

#[derive(Clone)]
enum Members {
    Listed(Arc<List>),
    Told(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

#[derive(Default)]
struct List {
    /// In lower case, those for subdomains with their full stop.
    entries: HashSet<Box<str>>,
    /// Whether any of them is for subdomains.
    with_subdomains: bool,
}

impl Domains {
    /// The set of these entries.
    ///
    /// ```
    /// use mail_srs::{Domains, DomainsError};
    ///
    /// assert!(Domains::new(["example.com", ".example.net"]).is_ok());
    ///
    /// let refused = Domains::new(["example.com", "*.example.net"]).unwrap_err();
    /// assert_eq!(refused, DomainsError::Entry { entry: 2 });
    /// ```
    ///
    /// # Errors
    ///
    /// [`DomainsError::Entry`] if one of them can be no domain.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, DomainsError> {
        let mut list = List::default();
        for (index, entry) in entries.into_iter().enumerate() {
            if !list.insert(entry.as_ref()) {
                return Err(DomainsError::Entry { entry: index + 1 });
            }
        }
        Ok(Self(Members::Listed(Arc::new(list))))
    }

    /// Reads a set from lines, such as those of a file: one entry on each.
    ///
    /// Blank lines are skipped, as are comments, which begin with `#` and end with the line. White
    /// space around an entry is no part of it, nor is a byte order mark before the first.
    ///
    /// # Errors
    ///
    /// [`DomainsError::Line`] if a line holds anything else than one domain. So a list with a mistake
    /// is noticed at once, not by the mail that it lets through.
    pub fn from_lines(lines: &str) -> Result<Self, DomainsError> {
        let mut list = List::default();
        let lines = lines.strip_prefix('\u{feff}').unwrap_or(lines);
        for (index, line) in lines.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if !entry.is_empty() && !list.insert(entry) {
                return Err(DomainsError::Line { line: index + 1 });
            }
        }
        Ok(Self(Members::Listed(Arc::new(list))))
    }

    /// The set of the domains for which `contains` returns true, such as those in a directory.
    ///
    /// It gets the domain, or the address literal, in lower case. It is called during the SMTP
    /// dialogue, more than once for some addresses, and cannot fail: have it look where answers are
    /// at hand, such as in a cache, or in what was fetched before.
    ///
    /// ```
    /// use mail_srs::Domains;
    ///
    /// let listed = Domains::new(["forward.example"])?;
    /// let domains = Domains::matching(move |domain| {
    ///     listed.contains(domain) || domain.ends_with(".customers.example")
    /// });
    /// assert!(domains.contains("A.Customers.Example"));
    /// # Ok::<(), mail_srs::DomainsError>(())
    /// ```
    pub fn matching(contains: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Members::Told(Arc::new(contains)))
    }

    /// Whether a domain, or an address literal, is in the set.
    ///
    /// Nothing is that is empty, begins with a full stop, or is longer than the 255 octets of a
    /// domain. Nothing is allocated, but by a function given to [`matching`](Self::matching).
    #[must_use]
    pub fn contains(&self, domain: &str) -> bool {
        let mut buffer = [0; MAX_OCTETS];
        let Some(domain) = lower_case(domain, &mut buffer) else {
            return false;
        };
        if domain.is_empty() || domain.starts_with('.') {
            return false;
        }
        match &self.0 {
            Members::Told(contains) => contains(domain),
            Members::Listed(list) => list.contains(domain),
        }
    }

    /// Whether it is known to hold nothing.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Members::Listed(list) if list.entries.is_empty())
    }
}

impl List {
    fn contains(&self, domain: &str) -> bool {
        let parents = || {
            domain
                .match_indices('.')
                .filter_map(|at| domain.get(at.0..))
        };
        self.entries.contains(domain)
            || (self.with_subdomains && parents().any(|parent| self.entries.contains(parent)))
    }

    /// Adds an entry, or tells that it is none.
    fn insert(&mut self, entry: &str) -> bool {
        let parent = entry.strip_prefix('.');
        let is_entry = match parent {
            Some(parent) => is_domain(parent),
            None => is_host(entry),
        };
        if is_entry {
            self.entries
                .insert(entry.to_ascii_lowercase().into_boxed_str());
            self.with_subdomains |= parent.is_some();
        }
        is_entry
    }
}

/// The empty set.
impl Default for Domains {
    fn default() -> Self {
        Self(Members::Listed(Arc::default()))
    }
}

/// Shows how many entries there are, not which: there may be hundreds of thousands.
impl fmt::Debug for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Members::Listed(list) => write!(f, "Domains({} entries)", list.entries.len()),
            Members::Told(_) => f.write_str("Domains(a function)"),
        }
    }
}

/// The text in lower case, in the buffer if it is not so already, or `None` if it is longer.
fn lower_case<'a>(text: &'a str, buffer: &'a mut [u8; MAX_OCTETS]) -> Option<&'a str> {
    let copy = buffer.get_mut(..text.len())?;
    if !text.bytes().any(|octet| octet.is_ascii_uppercase()) {
        return Some(text);
    }
    copy.copy_from_slice(text.as_bytes());
    copy.make_ascii_lowercase();
    core::str::from_utf8(copy).ok()
}

/// Whether it is a domain or an address literal.
pub(crate) fn is_host(text: &str) -> bool {
    let literal = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match literal {
        Some(address) => {
            let octet = |octet: u8| octet.is_ascii_alphanumeric() || b".:-".contains(&octet);
            !address.is_empty() && text.len() <= MAX_OCTETS && address.bytes().all(octet)
        }
        None => is_domain(text),
    }
}

/// Whether it is made as a domain is. This is narrower than what an envelope address may hold: it is
/// for what an administrator writes, and `*.example.com` or `@example.com` is a mistake there.
fn is_domain(text: &str) -> bool {
    let in_label = |character: char| {
        if character.is_ascii() {
            // No host's name holds an underscore, but some domains that send mail do.
            character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
        } else {
            // RFC 6531 §3.3 leaves it to IDNA which ones.
            !character.is_control() && !character.is_whitespace() && !is_unseen(character)
        }
    };
    text.len() <= MAX_OCTETS
        && text
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(in_label))
}

/// Whether nobody sees it, such as the byte order mark of a file that was put behind another. IDNA allows
/// none of these in a domain (RFC 5892); it does allow the joiners U+200C and U+200D.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

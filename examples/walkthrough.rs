//! The journey of one message over two forwarders, and of its bounce back, told address by address.
//!
//! ```text
//! $ cargo run --example walkthrough
//! ```
//!
//! Every address is made, taken apart and turned back by the library; the day is fixed, so that the
//! output is always the same.

use core::error::Error;
use std::io::{self, Write};

use mail_srs::{Day, Secret, Srs, SrsAddress, SrsKind};

/// A host that forwards mail: its domain, and the secret that nobody else knows.
struct Forwarder {
    name: char,
    domain: &'static str,
    srs: Srs,
}

impl Forwarder {
    fn new(name: char, domain: &'static str, secret: &str) -> Result<Self, Box<dyn Error>> {
        let srs = Srs::new(Secret::new(secret)?);
        Ok(Self { name, domain, srs })
    }

    /// Rewrites the sender of a message that this host forwards.
    fn forward(&self, sender: &str, today: Day) -> Result<String, Box<dyn Error>> {
        Ok(self.srs.forward(sender, self.domain, today)?.to_string())
    }

    /// What this host does with a recipient: the domain first, then the hash, then the date.
    fn receive(&self, recipient: &str, today: Day) -> Result<String, Box<dyn Error>> {
        let address = SrsAddress::parse(recipient)?;
        if !address.domain().eq_ignore_ascii_case(self.domain) {
            return Ok(format!(
                "not in {}: passes it on untouched, to {}",
                self.domain,
                address.domain()
            ));
        }
        Ok(match self.srs.reverse(recipient, today) {
            Ok(reversed) => format!("genuine: sends the bounce on to <{reversed}>"),
            Err(error) => match error.smtp_reply() {
                Some(reply) => format!("{error}\n       {reply}"),
                None => String::from("an ordinary recipient"),
            },
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let story = tell()?;
    match io::stdout().write_all(&story) {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

fn tell() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut out = Vec::new();
    let today = Day::from_unix_seconds(1_139_668_800);

    let b = Forwarder::new('B', "forward.example", "tops3cr3t")?;
    let c = Forwarder::new('C', "next.example", "an0ther s3cret")?;
    let d = Forwarder::new('D', "last.example", "a th1rd s3cret")?;

    introduce(&mut out, today)?;

    let original = "alice@example.com";
    first_hop(&mut out, original)?;
    let srs0 = second_hop(&mut out, &b, original, today)?;
    let srs1 = third_hop(&mut out, &c, &srs0, today)?;
    and_so_on(&mut out, &d, &srs1, today)?;
    bounce(&mut out, [&b, &c], &srs1, today)?;
    endings(&mut out, &b, &srs0, today)?;
    Ok(out)
}

fn introduce(out: &mut impl Write, today: Day) -> io::Result<()> {
    write!(
        out,
        "\
THE SENDER REWRITING SCHEME, ADDRESS BY ADDRESS

Alice writes to Bob. Bob has moved twice, so the message is forwarded twice:

    A  example.com      Alice's server
    B  forward.example  Bob's first server, forwards to his second; has a secret
    C  next.example     his second server, forwards to his third; has another secret
    D  last.example     his third server, where his mailbox is

The envelope of a message, which servers exchange, tells the sender and the recipient. The headers,
which people read, are another matter: SRS does not touch them. A server that cannot deliver sends a
bounce to the envelope's sender.

SPF: a domain publishes in the DNS which hosts may send for it. The receiver of a message looks at
the domain of the envelope's sender and compares.

Today is day {} since 1970.
",
        today.number()
    )
}

fn title(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n\n{text}\n{}\n", "-".repeat(text.chars().count()))
}

fn envelope(out: &mut impl Write, sender: &str, recipient: &str) -> io::Result<()> {
    writeln!(out, "    MAIL FROM:<{sender}>\n    RCPT TO:<{recipient}>\n")
}

fn first_hop(out: &mut impl Write, original: &str) -> io::Result<()> {
    title(out, "1. A sends to B")?;
    envelope(out, original, "bob@forward.example")?;
    writeln!(
        out,
        "B asks the DNS: may A send for example.com? It may. SPF passes."
    )
}

fn second_hop(
    out: &mut impl Write,
    b: &Forwarder,
    original: &str,
    today: Day,
) -> Result<String, Box<dyn Error>> {
    title(out, "2. B forwards to C")?;
    writeln!(out, "Without SRS the sender would stay as it is:\n")?;
    envelope(out, original, "bob@next.example")?;
    writeln!(
        out,
        "C asks the DNS: may B send for example.com? It may not, for example.com has never heard\n\
         of B. SPF fails, and C may refuse the message.\n\n\
         So B rewrites the sender into its own domain, and packs the original into the local\n\
         part:\n"
    )?;
    let srs0 = b.forward(original, today)?;
    envelope(out, &srs0, "bob@next.example")?;
    fields(out, &srs0, today)?;
    writeln!(
        out,
        "\nC asks the DNS: may B send for {}? It may. SPF passes.",
        b.domain
    )?;
    Ok(srs0)
}

fn third_hop(
    out: &mut impl Write,
    c: &Forwarder,
    srs0: &str,
    today: Day,
) -> Result<String, Box<dyn Error>> {
    title(out, "3. C forwards to D")?;
    let srs1 = c.forward(srs0, today)?;
    writeln!(
        out,
        "Again SPF would fail: D would ask whether C may send for the domain of B. C could do as\n\
         B did and pack the whole address once more. But then addresses would grow with every hop,\n\
         and bounces would pass through all of them. So C, which sees that the sender is an SRS0\n\
         address, makes an SRS1 address:\n"
    )?;
    envelope(out, &srs1, "bob@last.example")?;
    fields(out, &srs1, today)?;
    writeln!(
        out,
        "\nC cannot verify what B wrote, for it does not know B's secret, and it need not.\n\n\
         D asks the DNS: may C send for {}? It may. SPF passes.",
        c.domain
    )?;
    Ok(srs1)
}

fn and_so_on(
    out: &mut impl Write,
    d: &Forwarder,
    srs1: &str,
    today: Day,
) -> Result<(), Box<dyn Error>> {
    let further = d.forward(srs1, today)?;
    let address = SrsAddress::parse(&further)?;
    writeln!(
        out,
        "\nWere D to forward the message too, it would keep the first hop and the rest, and put its\n\
         own hash for C's:\n\n    \
         {address}\n\n\
         The first hop is still {}. The local part took {} octets at C, and takes {} at D.",
        address.claimed_host(),
        local_part_octets(srs1),
        local_part_octets(&further),
    )?;
    Ok(())
}

fn local_part_octets(address: &str) -> usize {
    address.rfind('@').unwrap_or_default()
}

fn bounce(
    out: &mut impl Write,
    [b, c]: [&Forwarder; 2],
    srs1: &str,
    today: Day,
) -> Result<(), Box<dyn Error>> {
    title(out, "4. D cannot deliver: the bounce")?;
    writeln!(
        out,
        "D has accepted the message, and then finds that Bob's mailbox is full. So it sends a\n\
         bounce to the sender of the envelope. The bounce's own sender is null, so that nobody\n\
         ever bounces a bounce.\n\n\
         D to C:\n"
    )?;
    envelope(out, "", srs1)?;
    let at_first_hop = turn_back(out, c, srs1, today)?;
    writeln!(
        out,
        "That is B, the first hop. However many forwarders lay between, the bounce goes from the\n\
         last of them straight there.\n\n\
         C to B:\n"
    )?;
    envelope(out, "", &at_first_hop)?;
    let home = turn_back(out, b, &at_first_hop, today)?;
    writeln!(out, "B to A:\n")?;
    envelope(out, "", &home)?;
    writeln!(out, "Alice learns that her message did not arrive.")?;
    Ok(())
}

/// Reverses an address and tells what was checked on the way.
fn turn_back(
    out: &mut impl Write,
    host: &Forwarder,
    address: &str,
    today: Day,
) -> Result<String, Box<dyn Error>> {
    let reversed = host.srs.reverse(address, today)?;
    writeln!(
        out,
        "{} verifies the hash with its own secret: it is right.",
        host.name
    )?;
    match reversed.age() {
        Some(age) => writeln!(
            out,
            "The address is {age} days old, and 21 are allowed: it has not expired."
        )?,
        None => writeln!(
            out,
            "The address bears no date; that is for the first hop to look at."
        )?,
    }
    writeln!(out, "It stands for\n\n    {reversed}\n")?;
    Ok(reversed.to_string())
}

fn endings(
    out: &mut impl Write,
    b: &Forwarder,
    srs0: &str,
    today: Day,
) -> Result<(), Box<dyn Error>> {
    title(out, "5. Three that end otherwise")?;

    // What somebody would write who knows the scheme but not the secret.
    let user = SrsAddress::parse(srs0)?.claimed_local_part();
    let forged = srs0.replace(&format!("={user}@"), "=carol@");
    writeln!(
        out,
        "Forged. Somebody takes B's address and puts in another user. The hash covers the user,\n\
         and without the secret nobody can tell which one would be right:\n"
    )?;
    arrive(out, b, &forged, today)?;

    let later = Day::new(today.number() + 22);
    writeln!(
        out,
        "Expired. B's address, {} days later. It is genuine, but whoever has collected it must\n\
         not use it for ever:\n",
        later.number() - today.number()
    )?;
    arrive(out, b, srs0, later)?;

    let stranger = Forwarder::new('S', "stranger.example", "n0ne of our business")?;
    let foreign = stranger.forward("dave@example.org", today)?;
    writeln!(
        out,
        "A stranger's. B relays mail for others as well, and comes across an address that another\n\
         forwarder has made. B cannot verify it, and to refuse it would lose somebody else's\n\
         bounce. So B looks at the domain first:\n"
    )?;
    arrive(out, b, &foreign, today)?;
    Ok(())
}

fn arrive(
    out: &mut impl Write,
    host: &Forwarder,
    recipient: &str,
    today: Day,
) -> Result<(), Box<dyn Error>> {
    let verdict = host.receive(recipient, today)?;
    writeln!(
        out,
        "    RCPT TO:<{recipient}>\n    {}: {verdict}\n",
        host.name
    )?;
    Ok(())
}

/// Prints the fields of an SRS address, each with what it is there for.
fn fields(out: &mut impl Write, text: &str, today: Day) -> Result<(), Box<dyn Error>> {
    let address = SrsAddress::parse(text)?;
    let mut field = |value: &dyn core::fmt::Display, meaning: &str| {
        let mut value = value.to_string();
        for line in meaning.lines() {
            writeln!(out, "    {value:<27} {line}")?;
            value.clear();
        }
        io::Result::Ok(())
    };

    match address.kind() {
        SrsKind::Srs0 => field(&address.kind(), "the tag: the first hop's address")?,
        SrsKind::Srs1 => field(&address.kind(), "the tag: a later hop's address")?,
    }
    field(
        &address.separator(),
        "the separator; the others are always =",
    )?;
    field(
        &address.claimed_hash(),
        "the hash of the fields from here to the @, made with the secret:\n\
         whoever does not know it cannot make such an address",
    )?;
    if let Some(timestamp) = address.claimed_timestamp() {
        let meaning = format!(
            "the timestamp: the day modulo 1,024, {}, in base32; {} days old",
            timestamp.slot(),
            timestamp.age(today)
        );
        field(&timestamp, &meaning)?;
    }
    match address.kind() {
        SrsKind::Srs0 => {
            field(&address.claimed_host(), "the host of the original sender")?;
            field(&address.claimed_local_part(), "the user, there")?;
        }
        SrsKind::Srs1 => {
            field(
                &address.claimed_host(),
                "the first hop: where a bounce goes",
            )?;
            field(
                &address.claimed_local_part(),
                "the rest: the first hop's local part without its SRS0",
            )?;
        }
    }
    field(
        &address.domain(),
        "the domain of the forwarder, for which it may send",
    )?;
    field(
        &"together",
        &format!("stands for {}", address.claimed_sender()),
    )?;
    Ok(())
}

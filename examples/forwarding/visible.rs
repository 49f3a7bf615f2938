//! Text from strangers, made harmless for whatever shows it.

use std::fmt::{self, Display, Write};

/// An address as people may see it. Characters that are not seen, but have an effect on a terminal or
/// on the text around them, are written out: control characters, line ends, and those that turn the
/// direction of writing, such as U+202E.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visible<'a>(pub(crate) &'a str);

impl Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                // These belong to addresses, and have no effect.
                '"' | '\'' | '\\' => f.write_char(character)?,
                _ => character.escape_debug().fmt(f)?,
            }
        }
        Ok(())
    }
}

/// A sender, of which the null one would else be nothing to see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VisibleSender<'a>(pub(crate) &'a str);

impl Display for VisibleSender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("<>"),
            sender => Visible(sender).fmt(f),
        }
    }
}

/// A spam score, always with its decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score(pub(crate) f64);

impl Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not rounded: what scores 5.96 is not shown as what is 6.0 and over. `pad` keeps to the width.
        f.pad(&format!("{:?}", self.0))
    }
}

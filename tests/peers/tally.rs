//! How many addresses were compared, and how many for each difference.

use core::fmt;
use std::collections::BTreeMap;

use crate::differences::Difference;

#[derive(Default)]
pub(crate) struct Tally {
    equal: usize,
    /// Where the answers to the sender itself differ.
    instead: BTreeMap<Difference, usize>,
    /// Where they are equal, and those to a variant of the address or settings differ.
    too: BTreeMap<Difference, usize>,
}

impl Tally {
    pub(crate) fn equal(&mut self) {
        self.equal += 1;
    }

    pub(crate) fn differ_instead(&mut self, difference: Difference) {
        *self.instead.entry(difference).or_default() += 1;
    }

    pub(crate) fn differ_too(&mut self, difference: Difference) {
        *self.too.entry(difference).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.equal += other.equal;
        for (to, from) in [
            (&mut self.instead, &other.instead),
            (&mut self.too, &other.too),
        ] {
            for (&difference, count) in from {
                *to.entry(difference).or_default() += count;
            }
        }
    }

    pub(crate) fn compared(&self) -> usize {
        self.equal + self.instead.values().sum::<usize>()
    }

    /// Whether both sides had to answer with the same octets for at least half of the senders.
    pub(crate) fn is_mostly_equal(&self) -> bool {
        2 * self.equal >= self.compared()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} senders compared, {} equal",
            self.compared(),
            self.equal
        )?;
        for (difference, count) in &self.instead {
            write!(f, ", {count} {difference:?}")?;
        }
        f.write_str("; variants that differ:")?;
        for (difference, count) in &self.too {
            write!(f, " {count} {difference:?}")?;
        }
        Ok(())
    }
}

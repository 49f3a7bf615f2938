//! Srs and its builder: the settings, and the two verbs.

use core::fmt;

use crate::error::{BuildError, ForwardError, ReverseError};
use crate::forward::{self, Forwarded};
use crate::hash;
use crate::reverse::{self, Reversed};
use crate::secret::{Secret, Secrets};
use crate::srs_address::Separator;
use crate::timestamp::{Day, Timestamp};

/// A rewriter: the secrets and settings of a forwarder.
///
/// It is `Send` and `Sync`, and both verbs take it by reference: put it in an `Arc` to share it.
/// Neither allocates, reads a clock, or has an effect.
///
/// ```
/// use mail_srs::{Day, Secret, Srs};
///
/// let srs = Srs::new(Secret::new("tops3cr3t")?);
/// let today = Day::from_unix_seconds(1_139_668_800);
///
/// let forwarded = srs.forward("alice@example.com", "forward.example", today)?;
/// let sender = forwarded.to_string();
/// assert_eq!(sender, "SRS0=3lNH=4G=example.com=alice@forward.example");
///
/// let reversed = srs.reverse(&sender, today)?;
/// assert_eq!(reversed.to_string(), "alice@example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Srs {
    secrets: Secrets,
    forward: forward::Settings,
    reverse: reverse::Settings,
}

impl Srs {
    /// A rewriter with one secret and the default settings, which [`SrsBuilder`] tells.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        let builder = Self::builder(secret);
        let hash_min = builder.hash_length;
        builder.assemble(Separator::default(), hash_min)
    }

    /// A builder, for several secrets or other settings than the default ones.
    pub fn builder(secrets: impl Into<Secrets>) -> SrsBuilder {
        SrsBuilder {
            secrets: secrets.into(),
            hash_length: 4,
            hash_min: None,
            max_age: 21,
            max_skew: 1,
            separator: Separator::default().as_char(),
            always_rewrite: false,
            local_part_limit: None,
        }
    }

    /// Rewrites the sender of a message that is forwarded, into the domain of `alias`.
    ///
    /// The sender is the reverse-path without its angle brackets. The alias is the forwarder's
    /// domain, or an address in it, such as the one the message came to. A sender that is null
    /// (empty or `<>`), or in that domain already, is left alone;
    /// [`Forwarded::kind`] tells what became of it.
    ///
    /// ```
    /// # use mail_srs::{Day, ForwardedKind, Secret, Srs};
    /// let srs = Srs::new(Secret::new("an0ther s3cret")?);
    /// let forwarded = srs.forward(
    ///     "SRS0=3lNH=4G=example.com=alice@forward.example",
    ///     "bob@next.example",
    ///     Day::from_unix_seconds(1_139_668_800),
    /// )?;
    /// assert_eq!(forwarded.kind(), ForwardedKind::Srs1);
    /// assert_eq!(
    ///     forwarded.to_string(),
    ///     "SRS1=64LP=forward.example==3lNH=4G=example.com=alice@next.example"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ForwardError::Sender`] and [`ForwardError::Alias`] if that is no address,
    /// - [`ForwardError::LocalPartTooLong`] if a limit is set and the new local part exceeds it.
    #[inline]
    pub fn forward<'a>(
        &self,
        sender: &'a str,
        alias: &'a str,
        today: Day,
    ) -> Result<Forwarded<'a>, ForwardError> {
        forward::forward(&self.forward, self.secrets.signing(), sender, alias, today)
    }

    /// Turns an address that was made by [`forward`](Self::forward) back into what it was made of.
    ///
    /// It is meant for the recipient of a bounce. The address's own domain is not looked at: the
    /// caller knows which are its own.
    ///
    /// ```
    /// # use mail_srs::{Day, ReverseError, Secret, Srs};
    /// let srs = Srs::new(Secret::new("tops3cr3t")?);
    /// let today = Day::from_unix_seconds(1_139_668_800);
    ///
    /// let forged = srs.reverse("SRS0=AAAA=4G=example.com=bob@forward.example", today);
    /// assert_eq!(forged, Err(ReverseError::HashMismatch));
    /// # Ok::<(), mail_srs::SecretError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ReverseError::NotSrs`] if it does not begin with an SRS tag: an ordinary recipient,
    /// - [`ReverseError::Address`] if it does, but is no envelope address,
    /// - [`ReverseError::Malformed`] if its fields are wrong,
    /// - [`ReverseError::HashTooShort`] and [`ReverseError::HashMismatch`] if no secret made it,
    /// - [`ReverseError::Expired`] if it is genuine, but outside the window of days.
    #[inline]
    pub fn reverse<'a>(&self, address: &'a str, today: Day) -> Result<Reversed<'a>, ReverseError> {
        reverse::reverse(&self.reverse, &self.secrets, address, today)
    }

    /// Reverses once more what came out of an address that named one of our own.
    #[cfg(feature = "std")]
    pub(crate) fn reverse_further<'a>(
        &self,
        reversed: &Reversed<'a>,
        today: Day,
    ) -> Result<Reversed<'a>, ReverseError> {
        reverse::reverse_further(&self.reverse, &self.secrets, reversed, today)
    }
}

impl fmt::Debug for Srs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Srs")
            .field("secrets", &self.secrets)
            .field("forward", &self.forward)
            .field("reverse", &self.reverse)
            .finish()
    }
}

/// The settings of an [`Srs`] to be, checked by [`build`](Self::build).
///
/// | setting | unit | range | default |
/// | --- | --- | --- | --- |
/// | [`hash_length`](Self::hash_length) | characters | 4 to 27, with a base32 secret 32 | 4 |
/// | [`hash_min`](Self::hash_min) | characters | 4 to `hash_length` | `hash_length` |
/// | [`max_age`](Self::max_age) | days | 0 to 1,022, less `max_skew` | 21 |
/// | [`max_skew`](Self::max_skew) | days | 0 to 1,022, less `max_age` | 1 |
/// | [`separator`](Self::separator) | character | `=`, `+`, `-` | `=` |
/// | [`always_rewrite`](Self::always_rewrite) | | | no |
/// | [`local_part_limit`](Self::local_part_limit) | octets | any | none |
///
/// ```
/// use mail_srs::{HashFormat, Secret, Srs};
///
/// let srs = Srs::builder(Secret::new("brand new")?.with_format(HashFormat::Base32))
///     .accept(Secret::new("tops3cr3t")?)
///     .hash_length(6)
///     .hash_min(4)
///     .max_age(30)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct SrsBuilder {
    secrets: Secrets,
    hash_length: usize,
    hash_min: Option<usize>,
    max_age: u16,
    max_skew: u16,
    separator: char,
    always_rewrite: bool,
    local_part_limit: Option<usize>,
}

impl SrsBuilder {
    /// Adds a secret that only verifies, such as one that was retired.
    #[cfg(feature = "alloc")]
    pub fn accept(mut self, secret: Secret) -> Self {
        self.secrets = self.secrets.accept(secret);
        self
    }

    /// The characters of the hashes that are made. The default is 4.
    ///
    /// Each is worth five bits to somebody who guesses, in every format.
    pub fn hash_length(mut self, characters: usize) -> Self {
        self.hash_length = characters;
        self
    }

    /// The characters that a hash needs at least to be accepted. The default is `hash_length`.
    ///
    /// Set it to the old length while addresses with that are still under way.
    pub fn hash_min(mut self, characters: usize) -> Self {
        self.hash_min = Some(characters);
        self
    }

    /// The days for which an address is accepted after the one it was made on. The default is 21,
    /// as in `Mail::SRS` (whose manual says 49), libsrs2 and `PostSRSd`.
    pub fn max_age(mut self, days: u16) -> Self {
        self.max_age = days;
        self
    }

    /// The days that an address may be dated ahead, for hosts whose clocks differ. The default is 1,
    /// as in OpenSMTPD.
    pub fn max_skew(mut self, days: u16) -> Self {
        self.max_skew = days;
        self
    }

    /// The character after the tag: `=`, `+` or `-`. The default is `=`.
    pub fn separator(mut self, separator: impl Into<char>) -> Self {
        self.separator = separator.into();
        self
    }

    /// Whether to rewrite a sender that is in the alias's own domain already. The default is no.
    pub fn always_rewrite(mut self, always: bool) -> Self {
        self.always_rewrite = always;
        self
    }

    /// The octets that a rewritten local part may take; beyond, forwarding is an error. The default
    /// is no limit. RFC 5321 §4.5.3.1.1 has 64.
    pub fn local_part_limit(mut self, octets: usize) -> Self {
        self.local_part_limit = Some(octets);
        self
    }

    /// The rewriter with these settings.
    ///
    /// ```
    /// use mail_srs::{Secret, Srs};
    ///
    /// let refused = Srs::builder(Secret::new("tops3cr3t")?).hash_length(3).build();
    /// assert_eq!(
    ///     refused.unwrap_err().to_string(),
    ///     "hash length of 3 is out of range: use 4 to 27 characters"
    /// );
    /// # Ok::<(), mail_srs::SecretError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`BuildError`], which says what to change.
    pub fn build(self) -> Result<Srs, BuildError> {
        let length = self.hash_length;
        let maximum = self.secrets.signing().format().max_length();
        if !(hash::MIN_LENGTH..=maximum).contains(&length) {
            return Err(BuildError::HashLength {
                length,
                minimum: hash::MIN_LENGTH,
                maximum,
            });
        }
        let minimum = self.hash_min.unwrap_or(length);
        if !(hash::MIN_LENGTH..=length).contains(&minimum) {
            return Err(BuildError::HashMin {
                minimum,
                lowest: hash::MIN_LENGTH,
                length,
            });
        }
        let lengths = self
            .secrets
            .iter()
            .map(|secret| secret.format().max_length());
        if let Some(maximum) = lengths.min().filter(|&maximum| maximum < minimum) {
            return Err(BuildError::HashMinForAccepted { minimum, maximum });
        }
        if self.secrets.mix_formats_of_one() {
            return Err(BuildError::SharedSecret);
        }
        if !Timestamp::window_is_open(self.max_age, self.max_skew) {
            return Err(BuildError::Window {
                max_age: self.max_age,
                max_skew: self.max_skew,
            });
        }
        let separator = Separator::try_from(self.separator)?;
        Ok(self.assemble(separator, minimum))
    }

    /// The rewriter, once the settings were checked.
    fn assemble(self, separator: Separator, hash_min: usize) -> Srs {
        Srs {
            secrets: self.secrets,
            forward: forward::Settings {
                separator,
                hash_length: self.hash_length,
                always_rewrite: self.always_rewrite,
                local_part_limit: self.local_part_limit,
            },
            reverse: reverse::Settings {
                hash_min,
                max_age: self.max_age,
                max_skew: self.max_skew,
            },
        }
    }
}

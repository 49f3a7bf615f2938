//! Secret, its format, and the ring of secrets.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use subtle::ConstantTimeEq as _;

use crate::error::{HashFormatError, SecretError};
use crate::mac::{Key, Mac};

/// How the hash of an address is made and written: a property of the secret it is made with.
///
/// | format | characters | what is hashed | for |
/// | --- | --- | --- | --- |
/// | `base64url` | `A-Z a-z 0-9 - _` | the fields, run together | the default; verifies `base64` as well |
/// | `base64` | `A-Z a-z 0-9 + /` | the fields, run together | clusters with older software on the same secret |
/// | `base32` | `A-Z 2-7` | tag and fields, divided by `=` | new secrets that no other software shares |
///
/// Every format is read without regard to case.
///
/// ```
/// use mail_srs::HashFormat;
///
/// assert_eq!("base32".parse(), Ok(HashFormat::Base32));
/// assert_eq!(HashFormat::default().to_string(), "base64url");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashFormat {
    /// As `PostSRSd` since 2.2.6: no receiver stumbles over `+` or `/` (`PostSRSd` issues 103, 189).
    ///
    /// It verifies [`Base64`](Self::Base64) too, as one alphabet, so that mail in flight survives
    /// a move from any system that signs so.
    #[default]
    Base64Url,
    /// Byte for byte as `Mail::SRS`, libsrs2 and `PostSRSd` before 2.2.6.
    Base64,
    /// Our own: it also binds the tag and the borders between the fields, which the others do not.
    Base32,
}

impl HashFormat {
    /// The characters of a whole hash: 27 in base64, 32 in base32.
    #[must_use]
    pub const fn max_length(self) -> usize {
        match self {
            Self::Base64Url | Self::Base64 => 27,
            Self::Base32 => 32,
        }
    }

    /// Whether the tag and the borders between the fields are hashed.
    pub(crate) const fn binds_fields(self) -> bool {
        matches!(self, Self::Base32)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Base64Url => "base64url",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
        }
    }
}

impl fmt::Display for HashFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for HashFormat {
    type Err = HashFormatError;

    /// Reads `base64url`, `base64` or `base32`.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Base64Url, Self::Base64, Self::Base32]
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or(HashFormatError)
    }
}

/// A secret that signs and verifies addresses, with the format of the hashes it makes.
///
/// Only the state of an HMAC-SHA1 that has absorbed the secret's octets is kept, not the octets.
/// It is wiped when the secret is dropped, `Debug` does not show it, and it cannot be cloned. This
/// is best effort: copies that the compiler makes on the stack, such as when a secret is moved, are
/// out of reach.
///
/// ```
/// use mail_srs::{HashFormat, Secret};
///
/// let secret = Secret::new("tops3cr3t")?.with_format(HashFormat::Base32);
/// assert_eq!(secret.format(), HashFormat::Base32);
/// # Ok::<(), mail_srs::SecretError>(())
/// ```
pub struct Secret {
    key: Key,
    format: HashFormat,
}

impl Secret {
    /// A secret of these octets, of any length but none, with the default format.
    ///
    /// # Errors
    ///
    /// [`SecretError::Empty`], also for zeros only: HMAC fills a key up with them.
    pub fn new(octets: impl AsRef<[u8]>) -> Result<Self, SecretError> {
        let octets = octets.as_ref();
        if octets.iter().all(|&octet| octet == 0) {
            return Err(SecretError::Empty);
        }
        Ok(Self::keyed(octets))
    }

    fn keyed(octets: &[u8]) -> Self {
        Self {
            key: Key::new(octets),
            format: HashFormat::default(),
        }
    }

    /// The same secret, with another format.
    ///
    /// Octets that have signed in `base64` or `base64url` are no secret for `base32`: an address of
    /// theirs can be made so that its hash is that of another address in base32.
    #[must_use]
    pub fn with_format(self, format: HashFormat) -> Self {
        Self { format, ..self }
    }

    /// The format of the hashes it makes.
    #[must_use]
    pub const fn format(&self) -> HashFormat {
        self.format
    }

    /// Begins an HMAC-SHA1 keyed with this secret.
    pub(crate) const fn begin(&self) -> Mac<'_> {
        self.key.begin()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// A ring of secrets, never empty: the first signs, all verify.
///
/// ```
/// use mail_srs::{HashFormat, Secret, Secrets};
///
/// // Sign with a new secret and accept what the retired one signed.
/// let secrets = Secrets::new(Secret::new("brand new")?.with_format(HashFormat::Base32))
///     .accept(Secret::new("tops3cr3t")?);
/// assert_eq!(secrets.len(), 2);
/// # Ok::<(), mail_srs::SecretError>(())
/// ```
#[derive(Debug)]
pub struct Secrets {
    signing: Secret,
    #[cfg(feature = "alloc")]
    accepted: Vec<Secret>,
}

impl Secrets {
    /// A ring of one, that signs and verifies.
    #[must_use]
    pub const fn new(signing: Secret) -> Self {
        Self {
            signing,
            #[cfg(feature = "alloc")]
            accepted: Vec::new(),
        }
    }

    /// The same ring with one more secret, at its end, that only verifies.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn accept(mut self, secret: Secret) -> Self {
        self.accepted.push(secret);
        self
    }

    /// The same ring with those of another at its end, that only verify.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn accept_all(mut self, secrets: impl Into<Self>) -> Self {
        let Self { signing, accepted } = secrets.into();
        self.accepted.push(signing);
        self.accepted.extend(accepted);
        self
    }

    /// Reads a ring from lines, such as those of a file: the first signs, all verify.
    ///
    /// Blank lines, and lines that begin with `#`, are skipped. A line ends with LF or CR LF, which
    /// is no part of the secret; any other octet is. All get the same `format`.
    ///
    /// ```
    /// use mail_srs::{HashFormat, Secrets};
    ///
    /// let secrets = Secrets::from_lines("# since May\nbrand new\n\ntops3cr3t\n", HashFormat::Base64Url)?;
    /// assert_eq!(secrets.len(), 2);
    /// # Ok::<(), mail_srs::SecretError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SecretError::NoSecret`] if every line is skipped.
    #[cfg(feature = "alloc")]
    pub fn from_lines(lines: impl AsRef<[u8]>, format: HashFormat) -> Result<Self, SecretError> {
        let mut secrets = lines
            .as_ref()
            .split(|&octet| octet == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"))
            .map(|line| Ok(Secret::new(line)?.with_format(format)));
        let signing = secrets.next().ok_or(SecretError::NoSecret)??;
        let accepted = secrets.collect::<Result<_, _>>()?;
        Ok(Self { signing, accepted })
    }

    /// How many secrets it holds, 1 at least.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether some secret is among them both in base32 and in another format.
    ///
    /// Run together, `srs0` for a first hop and `=kh=example.com=alice` for its rest are what base32
    /// hashes of `alice@example.com`. So one SRS1 of that in base64 would give the hash in base32.
    pub(crate) fn mix_formats_of_one(&self) -> bool {
        self.iter()
            .filter(|secret| secret.format.binds_fields())
            .any(|bound| {
                self.iter()
                    .filter(|secret| !secret.format.binds_fields())
                    .any(|other| bound.key.ct_eq(&other.key).into())
            })
    }

    /// The secret that signs.
    pub(crate) const fn signing(&self) -> &Secret {
        &self.signing
    }

    /// All of them, the one that signs first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Secret> {
        #[cfg(feature = "alloc")]
        let accepted = self.accepted.iter();
        #[cfg(not(feature = "alloc"))]
        let accepted = core::iter::empty();
        core::iter::once(&self.signing).chain(accepted)
    }
}

impl From<Secret> for Secrets {
    fn from(signing: Secret) -> Self {
        Self::new(signing)
    }
}

/// A new random secret as text that can be kept in a file: 160 bits in 32 base32 characters.
///
/// It is wiped when dropped, and `Debug` does not show it.
///
/// ```
/// use mail_srs::GeneratedSecret;
///
/// let generated = GeneratedSecret::new()?;
/// assert_eq!(generated.expose().len(), 32);
/// let secret = generated.to_secret();
/// # Ok::<(), mail_srs::SecretError>(())
/// ```
#[cfg(feature = "getrandom")]
pub struct GeneratedSecret {
    text: zeroize::Zeroizing<[u8; 32]>,
}

#[cfg(feature = "getrandom")]
impl GeneratedSecret {
    /// Makes a secret from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`SecretError::Random`] if the system gives none.
    pub fn new() -> Result<Self, SecretError> {
        let mut random = zeroize::Zeroizing::new([0; 20]);
        getrandom::fill(&mut *random).map_err(|_| SecretError::Random)?;
        let mut text = zeroize::Zeroizing::new([0; 32]);
        base32::RFC4648_NOPAD
            .encode_buf(&*random, &mut *text)
            .map_err(|_| SecretError::Random)?;
        Ok(Self { text })
    }

    /// The secret's text, to be kept where only the mail server can read it.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Base32 is ASCII.
        core::str::from_utf8(&*self.text).unwrap_or_default()
    }

    /// The secret itself, with the default format.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::keyed(&*self.text)
    }
}

#[cfg(feature = "getrandom")]
impl fmt::Debug for GeneratedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedSecret").finish_non_exhaustive()
    }
}

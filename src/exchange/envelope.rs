//! What stands around a body of bytes: which form it has, that it is whole, and that it is what was written. One for
//! both forms, since what is damaged is to be refused alike.

use super::Damage;

/// A form that bytes may have.
pub(super) struct Form {
    pub(super) magic: &'static [u8; 4],
    pub(super) version: u16,
}

/// Magic, version, checksum and length.
const FRONT_BYTES: usize = 4 + 2 + 4 + 8;

impl Form {
    /// A body in its envelope.
    pub(super) fn seal(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FRONT_BYTES + body.len());
        bytes.extend_from_slice(self.magic);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&checksum(body).to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// Takes the first envelope off: what of its body is there, unchecked, with the checksum and length that it ought to
    /// have.
    fn front<'b>(&self, bytes: &'b [u8]) -> Result<(&'b [u8], u32, u64), Damage> {
        let rest = bytes.strip_prefix(self.magic).ok_or(Damage::Other)?;
        let (version, rest) = rest.split_first_chunk().ok_or(Damage::Length)?;
        let version = u16::from_le_bytes(*version);
        if version != self.version {
            return Err(Damage::Version(version));
        }
        let (crc, rest) = rest.split_first_chunk().ok_or(Damage::Length)?;
        let (length, rest) = rest.split_first_chunk().ok_or(Damage::Length)?;
        Ok((rest, u32::from_le_bytes(*crc), u64::from_le_bytes(*length)))
    }

    /// The body that was sealed.
    pub(super) fn open<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8], Damage> {
        let (body, crc, length) = self.front(bytes)?;
        if length != body.len() as u64 {
            return Err(Damage::Length);
        }
        if crc == checksum(body) { Ok(body) } else { Err(Damage::Checksum) }
    }

    /// Bytes of the first envelope with its body, where others stand behind it.
    pub(super) fn first_len(&self, bytes: &[u8]) -> Result<usize, Damage> {
        let (rest, _, length) = self.front(bytes)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
        Ok(FRONT_BYTES + length.ok_or(Damage::Length)?)
    }
}

/// CRC-32, against accidents; whoever may write such bytes may do anything anyway.
fn checksum(body: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(body);
    crc.sum()
}

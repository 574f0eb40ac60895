//! What stands around a body of bytes: which form it has, that it is whole, and that it is what was written. One for
//! both forms, since what is damaged is to be refused alike.

use super::{Damage, write::Out};

/// A form that bytes may have.
pub(super) struct Form {
    pub(super) magic: &'static [u8; 4],
    pub(super) version: u16,
}

/// Magic, version, checksum and length.
const FRONT_BYTES: usize = 4 + 2 + 4 + 8;

impl Form {
    /// A body in its envelope, written behind the room that is left for that.
    pub(super) fn seal(&self, write: impl FnOnce(&mut Out)) -> Vec<u8> {
        let mut out = Out(vec![0; FRONT_BYTES]);
        write(&mut out);
        let mut bytes = out.0;
        if let Some((room, body)) = bytes.split_at_mut_checked(FRONT_BYTES) {
            let (crc, length) = (checksum(body).to_le_bytes(), (body.len() as u64).to_le_bytes());
            room.copy_from_slice(&[self.magic.as_slice(), &self.version.to_le_bytes(), &crc, &length].concat());
        }
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
    crc32fast::hash(body)
}

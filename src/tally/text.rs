//! Lengths to which strangers' texts are cut before they are kept: well above what is in use, and short enough that
//! no text is dear.

/// Host names have at most 253 bytes (RFC 1035); lists of upstreams are cut as well.
pub(super) const HOST_MAX: usize = 255;
/// The longest agents of browsers and crawlers have about 300 bytes.
pub(super) const AGENT_MAX: usize = 512;
/// Mail addresses have at most 254 bytes (RFC 5321).
pub(super) const USER_MAX: usize = 255;
/// Of methods and protocols: registered ones have at most 17 bytes.
pub(super) const WORD_MAX: usize = 32;
/// Of a template that an operator's pattern makes; others have three segments of at most 40 bytes.
pub(super) const TEMPLATE_MAX: usize = 255;

/// The beginning of a text.
#[inline]
pub(super) fn cut(text: &[u8], bytes_max: usize) -> &[u8] {
    text.get(..bytes_max).unwrap_or(text)
}

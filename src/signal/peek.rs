//! Walks the fields of a message without decoding them: to tell messages apart, and to take lists apart entry by entry.
//!
//! A derived decoder refuses a whole message for one bad entry; a walk hands out each entry's bytes, good or bad.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The fields of a message, in the order of the bytes. Ends after the first error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// One field.
pub(super) struct Field<'a> {
    pub(super) number: u32,
    /// The bytes of a string, bytes or message field; `None` for a number.
    pub(super) bytes: Option<&'a [u8]>,
}

/// The bytes are no protobuf message.
#[derive(Debug)]
pub(super) struct Malformed;

/// The fields of `message`.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// The entries of the repeated message field `number`.
pub(super) fn entries(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    fields(message)
        .filter_map(Result::ok)
        .filter(move |field| field.number == number)
        .filter_map(|field| field.bytes)
}

/// The message field `number`: of several the last counts.
pub(super) fn entry(message: &[u8], number: u32) -> Option<&[u8]> {
    entries(message, number).last()
}

/// True when all of `message` can be walked.
pub(super) fn is_sound(message: &[u8]) -> bool {
    fields(message).all(|field| field.is_ok())
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<Field<'a>, Malformed> {
        let (number, wire_type) = decode_key(&mut self.rest).map_err(|_| Malformed)?;
        let bytes = if wire_type == WireType::LengthDelimited {
            let length = decode_varint(&mut self.rest).map_err(|_| Malformed)?;
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
            self.rest = rest;
            Some(bytes)
        } else {
            let context = DecodeContext::default();
            skip_field(wire_type, number, &mut self.rest, context).map_err(|_| Malformed)?;
            None
        };
        Ok(Field { number, bytes })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends_at_the_first_error() {
        let endless_key = [0xFF; 20];
        let too_long = [1 << 3 | 2, 9, 8, 7];
        for message in [&endless_key[..], &too_long] {
            assert_eq!(fields(message).take(10).count(), 1);
            assert!(!is_sound(message));
        }
    }
}

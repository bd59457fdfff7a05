//! The wire's primitives, outward.

use bytes::{BufMut, BytesMut};

/// What is longer than its length field allows is cut; callers check before.
pub(crate) trait Put {
    /// A length octet, then the bytes.
    fn put_short(&mut self, bytes: &[u8]);
    /// A four-octet length, then the bytes.
    fn put_long(&mut self, bytes: &[u8]);
    /// What `write` writes, with its length in four octets before it.
    fn put_sized(&mut self, write: impl FnOnce(&mut BytesMut));
}

impl Put for BytesMut {
    fn put_short(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..usize::from(u8::MAX)).unwrap_or(bytes);
        self.put_u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.put_slice(bytes);
    }

    fn put_long(&mut self, bytes: &[u8]) {
        self.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.put_slice(bytes);
    }

    fn put_sized(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.len();
        self.put_u32(0);
        write(self);
        let len = u32::try_from(self.len() - at - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.get_mut(at..at + 4) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }
}

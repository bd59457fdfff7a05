//! The properties of a publish as they are sent on: without what only the broker may see, and on
//! the lines that do so with the headers by key.

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use leveret_proto::DecodeError;
use leveret_proto::code::ReplyCode;
use leveret_proto::content::{self, Facts as Found, Properties};
use leveret_proto::exception::Exception;
use leveret_proto::value::FieldTable;

use super::Core;

impl Core {
    /// `None` when they go on as they came. Headers that do not decode are refused.
    pub(super) fn sent_on(
        &mut self,
        channel: u16,
        raw: &[u8],
        found: &Found,
    ) -> Result<Option<BytesMut>, Exception> {
        let addressed = self.rewritten_properties(channel, raw, found)?;
        let Some(headers) = &found.headers else {
            return Ok(addressed);
        };
        let Some(addressed) = addressed else {
            return self.by_key(raw, headers);
        };
        let found = content::scan(&addressed).map_err(|error| refused(&error))?;
        let sorted = match &found.headers {
            Some(headers) => self.by_key(&addressed, headers)?,
            None => None,
        };
        Ok(sorted.or(Some(addressed)))
    }

    /// Likewise, with what `message_interceptors` add.
    pub(super) fn intercepted(
        &mut self,
        channel: u16,
        raw: &[u8],
        found: &Found,
    ) -> Result<BytesMut, Exception> {
        let sent_on = self.sent_on(channel, raw, found)?;
        let decoded = Properties::decode(sent_on.as_deref().unwrap_or(raw));
        let mut properties = decoded.map_err(|error| refused(&error))?;
        let broker = &self.broker;
        let wall_ms = broker.wall_ms(self.tick);
        let interceptors = broker.settings.interceptors;
        interceptors.add(&mut properties, wall_ms, &broker.node);
        if let Some(headers) = properties.headers.as_mut()
            && broker.compat.headers.are_sorted
        {
            headers.sort();
        }
        let mut anew = BytesMut::with_capacity(raw.len());
        properties.encode(&mut anew);
        Ok(anew)
    }

    /// With the headers, which stand at this place, by key; `None` when they are already.
    fn by_key(&self, raw: &[u8], at: &Range<usize>) -> Result<Option<BytesMut>, Exception> {
        let headers = raw.get(at.clone()).unwrap_or_default();
        let sorted = FieldTable::canonical(headers).map_err(|error| refused(&error))?;
        let sorted = sorted.filter(|_| self.broker.compat.headers.are_sorted);
        Ok(sorted.map(|headers| {
            let (before, behind) = (raw.get(..at.start - 4), raw.get(at.end..));
            let mut anew = BytesMut::with_capacity(raw.len());
            anew.put_slice(before.unwrap_or_default());
            anew.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
            anew.put_slice(&headers);
            anew.put_slice(behind.unwrap_or_default());
            anew
        }))
    }
}

/// RabbitMQ's decoder crashes on them; what only this broker refuses has a text.
fn refused(error: &DecodeError) -> Exception {
    match error {
        DecodeError::TooDeep => Exception::new(ReplyCode::FRAME_ERROR, error.to_string()),
        _ => Exception::new(ReplyCode::INTERNAL_ERROR, ""),
    }
}

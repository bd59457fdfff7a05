//! An AMQP client over a real socket, for what takes two.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::api::Api;
use crate::support::frames;

/// A connection of guest with channel 1 open. It ends with this value.
#[derive(Debug)]
pub(super) struct Client(TcpStream);

impl Client {
    pub(super) fn connect(api: &Api) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", api.amqp_port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut client = Self(stream);
        // Each waits for the answer to the one before.
        let [header, start_ok, tune_ok, open] = frames::log_in(0);
        client.call(&header, (10, 10));
        client.call(&start_ok, (10, 30));
        client.call(&[tune_ok, open].concat(), (10, 41));
        client.call(&frames::open_channel(1), (20, 11));
        client
    }

    /// Send it, and wait for the method that says that it is done.
    pub(super) fn call(&mut self, bytes: &[u8], answer: (u8, u8)) {
        self.0.write_all(bytes).unwrap();
        self.wait_for(answer);
    }

    /// Read on until that method comes.
    pub(super) fn wait_for(&mut self, (class, method): (u8, u8)) {
        loop {
            let mut head = [0; 7];
            self.0.read_exact(&mut head).unwrap();
            let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
            let mut rest = vec![0; size as usize + 1];
            self.0.read_exact(&mut rest).unwrap();
            if head[0] == 1 && rest.starts_with(&[0, class, 0, method]) {
                return;
            }
        }
    }
}

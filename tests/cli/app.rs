//! The application stops and starts: who is connected is told, and nobody is let in meanwhile.

use std::net::TcpStream;

use super::broker::Broker;
use super::run;
use crate::wire::socket::{logged_in, read_frame};

fn ctl(broker: &Broker, command: &str) {
    let argv = ["rabbitmqctl", command].map(str::to_owned);
    let ended = run(broker, &argv, None);
    assert_eq!(ended.exit, 0, "{ended:?}");
}

fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn clients_are_told_of_the_stop_and_refused_until_the_start() {
    let broker = Broker::start();
    let Some(port) = broker.amqp_port() else {
        return;
    };
    let mut client = logged_in(port);
    ctl(&broker, "stop_app");
    let (channel, close) = read_frame(&mut client);
    assert_eq!((channel, &close[..6]), (0, &b"\0\x0a\0\x32\x01\x40"[..]));
    let text = String::from_utf8_lossy(&close[7..]);
    let want = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'";
    assert!(text.starts_with(want), "{text}");
    assert!(!accepts(port));
    let overview = serde_json::Value::Null;
    assert_eq!(broker.request("GET", "/api/overview", &overview), 503);
    ctl(&broker, "start_app");
    assert_eq!(broker.request("GET", "/api/overview", &overview), 200);
    drop(logged_in(port));
}

#[test]
fn suspended_listeners_keep_their_clients() {
    let broker = Broker::start();
    let Some(port) = broker.amqp_port() else {
        return;
    };
    let client = logged_in(port);
    ctl(&broker, "suspend_listeners");
    assert!(!accepts(port));
    ctl(&broker, "resume_listeners");
    drop(logged_in(port));
    client.set_nonblocking(true).unwrap();
    let waiting = client.peek(&mut [0]).unwrap_err();
    assert_eq!(waiting.kind(), std::io::ErrorKind::WouldBlock);
}

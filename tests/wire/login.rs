//! Who is let in, from where, and as whom.

use bytes::BytesMut;
use leveret::broker::settings::{AnyCredentials, Settings};
use leveret::server::Server;
use leveret_proto::value::FieldTable;

use crate::support::frames;
use crate::support::memory::{Client, reason};

fn server(settings: Settings) -> Server {
    Server::builder().settings(settings).start().unwrap()
}

/// `connection.start-ok` of a client that wants to be told why it is refused.
pub(super) fn start_ok(mechanism: &str, response: &str) -> Vec<u8> {
    let mut capabilities = FieldTable::new();
    capabilities.insert("authentication_failure_close", true);
    let mut properties = FieldTable::new();
    properties.insert("capabilities", capabilities);
    let mut table = BytesMut::new();
    properties.encode(&mut table);
    let length = u32::try_from(response.len()).unwrap();
    let arguments = [
        &table[..],
        &frames::short(mechanism),
        &length.to_be_bytes(),
        response.as_bytes(),
        &frames::short("en_US"),
    ];
    frames::method(0, 10, 11, &arguments)
}

/// The mechanisms that are offered to a client that then logs in.
pub(super) async fn begin(client: &mut Client, mechanism: &str, response: &str) -> String {
    let start = client.call(frames::PROTOCOL_HEADER, 10, 10).await;
    client.send(&start_ok(mechanism, response)).await;
    String::from_utf8_lossy(&start).into_owned()
}

/// Let in, on this virtual host.
pub(super) async fn open(client: &mut Client) {
    client.expect(10, 30).await;
    let [_, _, tune_ok, open] = frames::log_in(0);
    client.send(&tune_ok).await;
    client.call(&open, 10, 41).await;
}

pub(super) async fn is_refused(client: &mut Client, mechanism: &str) {
    let text = format!(
        "ACCESS_REFUSED - Login was refused using authentication mechanism {mechanism}. For details \
         see the broker logfile."
    );
    let close = client.expect(10, 50).await;
    assert_eq!(reason(&close), (403, text));
}

#[tokio::test(start_paused = true)]
async fn any_credentials_will_do_on_this_machine() {
    let server = server(Settings {
        any_credentials: AnyCredentials::Local,
        loopback_users: Vec::new(),
        ..Settings::default()
    });
    let broker = &server.shared().broker;
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0newcomer\0whatever").await;
    open(&mut client).await;
    let user = broker.users.get("newcomer").unwrap();
    assert!(user.has_tag("administrator") && user.permission("/").is_some());
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0guest\0wrong").await;
    open(&mut client).await;
    // From elsewhere names and passwords count.
    let mut client = Client::connect_from(&server, "192.0.2.1").await;
    begin(&mut client, "PLAIN", "\0newcomer\0whatever").await;
    is_refused(&mut client, "PLAIN").await;
    let mut client = Client::connect_from(&server, "192.0.2.1").await;
    begin(&mut client, "PLAIN", "\0guest\0guest").await;
    open(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn any_credentials_will_do_from_everywhere_where_that_is_said() {
    let server = server(Settings {
        any_credentials: AnyCredentials::Everywhere,
        ..Settings::default()
    });
    let mut client = Client::connect_from(&server, "192.0.2.1").await;
    begin(&mut client, "PLAIN", "\0guest\0x").await;
    open(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn guest_is_for_this_machine() {
    let server = server(Settings::default());
    let mut client = Client::connect_from(&server, "192.0.2.1").await;
    begin(&mut client, "PLAIN", "\0guest\0guest").await;
    is_refused(&mut client, "PLAIN").await;
    let mut client = Client::connect_from(&server, "::ffff:127.0.0.1").await;
    begin(&mut client, "PLAIN", "\0guest\0guest").await;
    open(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn nameless_clients_are_who_the_settings_say() {
    let plain = server(Settings::default());
    let mut client = Client::connect(&plain).await;
    let start = begin(&mut client, "ANONYMOUS", "").await;
    assert!(start.contains("ANONYMOUS"), "{start}");
    open(&mut client).await;
    let mut client = Client::connect_from(&plain, "192.0.2.1").await;
    begin(&mut client, "ANONYMOUS", "").await;
    is_refused(&mut client, "ANONYMOUS").await;
    let wrong = server(Settings {
        anonymous_pass: "other".to_owned(),
        ..Settings::default()
    });
    let mut client = Client::connect(&wrong).await;
    begin(&mut client, "ANONYMOUS", "").await;
    is_refused(&mut client, "ANONYMOUS").await;
    let nobody = server(Settings {
        anonymous_user: None,
        ..Settings::default()
    });
    let mut client = Client::connect(&nobody).await;
    let start = begin(&mut client, "ANONYMOUS", "").await;
    assert!(!start.contains("ANONYMOUS"), "{start}");
    assert!(client.rest().await.is_empty());
}

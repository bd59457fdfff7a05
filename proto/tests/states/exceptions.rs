//! Reply codes and exceptions.

use leveret_proto::code::{ReplyCode, Scope};
use leveret_proto::exception::Exception;

#[test]
fn every_code_with_its_scope() {
    use Scope::{Channel, Connection};
    let table = [
        (311, "CONTENT_TOO_LARGE", Channel),
        (312, "NO_ROUTE", Channel),
        (313, "NO_CONSUMERS", Channel),
        (320, "CONNECTION_FORCED", Connection),
        (402, "INVALID_PATH", Connection),
        (403, "ACCESS_REFUSED", Channel),
        (404, "NOT_FOUND", Channel),
        (405, "RESOURCE_LOCKED", Channel),
        (406, "PRECONDITION_FAILED", Channel),
        (501, "FRAME_ERROR", Connection),
        (502, "SYNTAX_ERROR", Connection),
        (503, "COMMAND_INVALID", Connection),
        (504, "CHANNEL_ERROR", Connection),
        (505, "UNEXPECTED_FRAME", Connection),
        (506, "RESOURCE_ERROR", Connection),
        (530, "NOT_ALLOWED", Connection),
        (540, "NOT_IMPLEMENTED", Connection),
        (541, "INTERNAL_ERROR", Connection),
    ];
    for (number, name, scope) in table {
        let code = ReplyCode::from_number(number).unwrap();
        assert_eq!((code.number(), code.name()), (number, name));
        assert_eq!(code.scope(), scope, "{name}");
        assert_eq!(Exception::new(code, "").scope, scope);
    }
    let known = (0..=u16::MAX).filter_map(ReplyCode::from_number);
    assert_eq!(known.count(), table.len());
}

#[test]
fn the_reply_text_begins_with_the_name() {
    let text = |text: &str| Exception::new(ReplyCode::NOT_FOUND, text).reply_text();
    assert_eq!(
        text("no queue 'q' in vhost '/'").as_str(),
        "NOT_FOUND - no queue 'q' in vhost '/'"
    );
    assert_eq!(text("").as_str(), "NOT_FOUND");
}

#[test]
fn a_long_reply_text_ends_in_dots() {
    let text = |text: &str| Exception::new(ReplyCode::NOT_FOUND, text).reply_text();
    let fits = "x".repeat(255 - "NOT_FOUND - ".len());
    assert_eq!(text(&fits).as_str(), format!("NOT_FOUND - {fits}"));
    let long = text(&format!("{fits}y"));
    assert_eq!(long.as_str().len(), 255);
    assert!(long.as_str().ends_with("xxx..."));
    let wide = text(&"é".repeat(200));
    assert!(wide.as_str().ends_with("é...") && wide.as_str().len() <= 255);
}

#[test]
fn a_refused_login_has_a_wider_scope_than_its_code() {
    let exception = Exception::new(ReplyCode::ACCESS_REFUSED, "no");
    assert_eq!(exception.scope, Scope::Channel);
    let wider = exception.with_scope(Scope::Connection).on(10, 40);
    assert_eq!(wider.scope, Scope::Connection);
    assert_eq!((wider.class_id, wider.method_id), (10, 40));
}

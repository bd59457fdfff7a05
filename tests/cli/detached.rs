//! `rabbitmq-server -detached`, and the scripts that wait for it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::broker::scratch;

#[test]
fn a_detached_server_is_waited_for_and_stopped() {
    let folder = scratch();
    let leveret = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
        command
            .arg0(name)
            .args(arguments)
            .env("LEVERET_RUNTIME_DIR", folder.join("runtime"))
            .env_remove("LEVERET_URL")
            .env_remove("RABBITMQ_NODENAME");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let ports = [
        "--port",
        "0",
        "--management-port",
        "0",
        "--prometheus-port",
        "0",
    ];
    let start = [&["-detached", "--host", "127.0.0.1"][..], &ports].concat();
    assert_eq!(leveret("rabbitmq-server", &start), "");
    assert_eq!(
        leveret("rabbitmqctl", &["await_startup", "--timeout", "60"]),
        ""
    );
    let listed = leveret("rabbitmqctl", &["list_users", "-s"]);
    assert_eq!(listed, "guest\t[administrator]\n");
    leveret("rabbitmqctl", &["stop"]);
    std::fs::remove_dir_all(&folder).unwrap();
}

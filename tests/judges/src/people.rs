//! Users, what they may do, and limits.

use rabbitmq_http_client::blocking_api::Client;
use rabbitmq_http_client::commons::{PaginationParams, UserLimitTarget, VirtualHostLimitTarget};
use rabbitmq_http_client::password_hashing::{base64_encoded_salted_password_hash_sha256, salt};
use rabbitmq_http_client::requests::{
    EnforcedLimitParams, Permissions, TopicPermissions, UserParams,
};

use crate::{Api, Court, HOST};

pub(crate) fn judge(court: &mut Court, api: &Api, url: &str) {
    users(court, api, url);
    permissions(court, api);
    topic_permissions(court, api);
    limits(court, api);
    court.done("delete_user", api.delete_user("judge", false));
    court.refused("delete_user: gone", 404, api.delete_user("judge", false));
    court.done("delete_user: idempotent", api.delete_user("judge", true));
}

fn users(court: &mut Court, api: &Api, url: &str) {
    let hash = base64_encoded_salted_password_hash_sha256(&salt(), "secret");
    court.done(
        "create_user",
        api.create_user(&UserParams::monitoring("judge", &hash)),
    );
    court.holds("get_user", api.get_user("judge"), |u| {
        u.tags.0 == ["monitoring"] && u.password_hash.as_ref().is_some_and(|h| h.as_str() == hash)
    });
    let own = Client::new(url, "judge", "secret");
    court.holds(
        "current_user: with the hashed password",
        own.current_user(),
        |u| u.name == "judge",
    );
    court.holds("list_users", api.list_users(), |u| {
        u.iter().any(|u| u.name == "judge")
    });
    court.holds(
        "list_users_paged",
        api.list_users_paged(&PaginationParams::first_page(1)),
        |u| u.len() == 1,
    );
    court.holds(
        "list_users_without_permissions",
        api.list_users_without_permissions(),
        |u| u.iter().any(|u| u.name == "judge"),
    );
    for name in ["clerk", "bailiff"] {
        court.done(
            &format!("create_user: {name}"),
            api.create_user(&UserParams::without_tags(name, &hash)),
        );
    }
    court.done("delete_users", api.delete_users(vec!["clerk", "bailiff"]));
    court.refused("get_user: gone", 404, api.get_user("clerk"));
}

fn permissions(court: &mut Court, api: &Api) {
    let given = Permissions {
        user: "judge",
        vhost: HOST,
        configure: "^a",
        read: "^b",
        write: "",
    };
    court.done("declare_permissions", api.declare_permissions(&given));
    court.holds("get_permissions", api.get_permissions(HOST, "judge"), |p| {
        p.configure == "^a" && p.read == "^b" && p.write.is_empty()
    });
    court.holds("list_permissions", api.list_permissions(), |p| {
        p.iter().any(|p| p.user == "judge")
    });
    court.holds("list_permissions_in", api.list_permissions_in(HOST), |p| {
        p.iter().any(|p| p.user == "judge")
    });
    court.holds(
        "list_permissions_of",
        api.list_permissions_of("judge"),
        |p| p.len() == 1,
    );
    court.done(
        "clear_permissions",
        api.clear_permissions(HOST, "judge", false),
    );
    court.refused(
        "get_permissions: gone",
        404,
        api.get_permissions(HOST, "judge"),
    );
    court.done(
        "clear_permissions: idempotent",
        api.clear_permissions(HOST, "judge", true),
    );
    court.done("grant_permissions", api.grant_permissions(&given));
    court.done(
        "grant_full_permissions",
        api.grant_full_permissions("judge", HOST),
    );
    let nobody = Permissions {
        user: "nobody",
        ..given
    };
    court.refused(
        "declare_permissions: nobody",
        400,
        api.declare_permissions(&nobody),
    );
}

fn topic_permissions(court: &mut Court, api: &Api) {
    let given = TopicPermissions {
        user: "judge",
        vhost: HOST,
        write: "^w",
        read: "^r",
        exchange: "amq.topic",
    };
    court.done(
        "declare_topic_permissions",
        api.declare_topic_permissions(&given),
    );
    court.holds(
        "list_topic_permissions",
        api.list_topic_permissions(),
        |p| p.iter().any(|p| p.user == "judge"),
    );
    court.holds(
        "list_topic_permissions_in",
        api.list_topic_permissions_in(HOST),
        |p| p.len() == 1,
    );
    court.holds(
        "list_topic_permissions_of",
        api.list_topic_permissions_of("judge"),
        |p| p.len() == 1,
    );
    court.holds(
        "get_topic_permissions_of",
        api.get_topic_permissions_of(HOST, "judge"),
        |p| p.exchange == "amq.topic" && p.write == "^w" && p.read == "^r",
    );
    court.done(
        "clear_topic_permissions",
        api.clear_topic_permissions(HOST, "judge", false),
    );
    court.done(
        "clear_topic_permissions: idempotent",
        api.clear_topic_permissions(HOST, "judge", true),
    );
}

fn limits(court: &mut Court, api: &Api) {
    let most = EnforcedLimitParams::new(UserLimitTarget::MaxConnections, 500);
    court.done("set_user_limit", api.set_user_limit("judge", most));
    court.holds("list_user_limits", api.list_user_limits("judge"), |l| {
        l.len() == 1
    });
    court.holds("list_all_user_limits", api.list_all_user_limits(), |l| {
        l.iter().any(|l| l.username == "judge")
    });
    court.done(
        "clear_user_limit",
        api.clear_user_limit("judge", UserLimitTarget::MaxConnections),
    );
    let most = EnforcedLimitParams::new(VirtualHostLimitTarget::MaxQueues, 100);
    court.done("set_vhost_limit", api.set_vhost_limit(HOST, most));
    court.holds("list_vhost_limits", api.list_vhost_limits(HOST), |l| {
        l.len() == 1
    });
    court.holds("list_all_vhost_limits", api.list_all_vhost_limits(), |l| {
        l.iter().any(|l| l.vhost == HOST)
    });
    court.done(
        "clear_vhost_limit",
        api.clear_vhost_limit(HOST, VirtualHostLimitTarget::MaxQueues),
    );
}

//! Routes about virtual hosts, users and what they may do.

use super::{
    Family,
    Who::{Administrator, Management, Member},
    act, delete, list, one, pages, put,
};

pub(super) static VHOSTS: Family = Family {
    name: "Virtual hosts",
    about: "In a path the virtual host / is written %2F.",
    routes: routes! {
        "/api/vhosts": list(Management, "The virtual hosts that the user sees");
        "/api/vhosts/{vhost}":
            one(Administrator, "One virtual host"),
            put(Administrator, "Make or describe a virtual host", &[
                "description?: string", "tags?: string or list", "default_queue_type?: string",
                "tracing?: boolean"
            ]),
            delete(Administrator, "Delete a virtual host and all that is in it");
        "/api/vhosts/{vhost}/deletion/protection":
            act(Administrator, "Protect a virtual host from deletion", &[]),
            delete(Administrator, "No longer protect it");
        "/api/vhosts/{vhost}/start/{node}":
            act(Administrator, "Start a virtual host on a node", &[]);
        "/api/vhosts/{vhost}/permissions": list(Administrator, "Who may use a virtual host");
        "/api/vhosts/{vhost}/topic-permissions":
            list(Administrator, "Topic permissions in a virtual host");
        "/api/vhosts/{vhost}/channels": list(Member, "Channels in a virtual host");
        "/api/vhosts/{vhost}/connections": list(Member, "Connections to a virtual host");
    },
};

const USER: &[&str] = &[
    "tags: string or list",
    "password?: string",
    "password_hash?: string",
    "hashing_algorithm?: string",
];

pub(super) static USERS: Family = Family {
    name: "Users",
    about: "The tags of a user decide what it may do here.",
    routes: routes! {
        "/api/users": pages(Administrator, "All users");
        "/api/users/without-permissions": list(Administrator, "Users who may use no virtual host");
        "/api/users/bulk-delete": act(Administrator, "Delete several users", &["users: list"]);
        "/api/users/{user}":
            one(Administrator, "One user"),
            put(Administrator, "Make or change a user; without a password it can no longer log in",
                USER),
            delete(Administrator, "Delete a user");
        "/api/users/{user}/permissions": list(Administrator, "The permissions of a user");
        "/api/users/{user}/queues": list(Administrator, "The queues that a user declared");
        "/api/users/{user}/topic-permissions":
            list(Administrator, "The topic permissions of a user");
        "/api/auth/hash_password/{password}":
            one(Administrator, "The hash of a password, for definitions").without_head();
    },
};

const TRIPLE: &[&str] = &["configure: string", "write: string", "read: string"];
const TOPIC: &[&str] = &["exchange: string", "write: string", "read: string"];

pub(super) static PERMISSIONS: Family = Family {
    name: "Permissions",
    about: "Regular expressions over names; an empty one allows nothing.",
    routes: routes! {
        "/api/permissions": list(Administrator, "All permissions");
        "/api/permissions/{vhost}/{user}":
            one(Administrator, "What a user may do in a virtual host"),
            put(Administrator, "Let a user use a virtual host", TRIPLE),
            delete(Administrator, "Take that away");
        "/api/topic-permissions": list(Administrator, "All topic permissions");
        "/api/topic-permissions/{vhost}/{user}":
            list(Administrator, "The topic permissions of a user in a virtual host"),
            put(Administrator, "Limit the routing keys of a user at a topic exchange", TOPIC),
            delete(Administrator, "Take all of them away");
        "/api/topic-permissions/{vhost}/{user}/{exchange}":
            one(Administrator, "The topic permission at one exchange"),
            put(Administrator, "Limit the routing keys at one exchange", TOPIC),
            delete(Administrator, "Take it away");
    },
};

//! Connections, channels and consumers: those of the client that waits beside us.

use rabbitmq_http_client::commons::PaginationParams;

use crate::{Api, Court};

pub(crate) fn judge(court: &mut Court, api: &Api) {
    let Some(connections) = court.done("list_connections", api.list_connections()) else {
        return;
    };
    let judged = connections
        .into_iter()
        .find(|c| c.client_properties.connection_name == "judged");
    court.holds("the client's connection", Ok(judged.is_some()), |found| {
        *found
    });
    let Some(judged) = judged else { return };
    connection(court, api, &judged.name);
    channels(court, api, &judged.name);
    court.holds("list_consumers", api.list_consumers(), |c| {
        c.iter().any(|c| c.queue.name == "judged")
    });
    court.holds("list_consumers_in", api.list_consumers_in("/"), |c| {
        c.len() == 1
            && c.iter().all(|c| {
                c.active && c.manual_ack && c.prefetch_count == 7 && c.channel_details.is_some()
            })
    });
    court.done(
        "close_connection",
        api.close_connection(&judged.name, Some("the court rises"), false),
    );
    court.refused(
        "close_connection: none",
        404,
        api.close_connection("nobody", None, false),
    );
    court.done(
        "close_connection: idempotent",
        api.close_connection("nobody", None, true),
    );
    court.done(
        "close_user_connections",
        api.close_user_connections("guest", Some("over"), true),
    );
}

fn connection(court: &mut Court, api: &Api, name: &str) {
    court.holds("get_connection_info", api.get_connection_info(name), |c| {
        c.username == "guest"
            && c.channel_count == 1
            && c.state.as_deref() == Some("running")
            && c.connected_at > 0
    });
    let page = PaginationParams::first_page(1);
    court.holds(
        "list_connections_paged",
        api.list_connections_paged(&page),
        |c| c.len() == 1,
    );
    court.holds("list_connections_in", api.list_connections_in("/"), |c| {
        c.iter().any(|c| c.name == name)
    });
    court.holds(
        "list_user_connections",
        api.list_user_connections("guest"),
        |c| c.iter().any(|c| c.name == name),
    );
    court.refused(
        "get_connection_info: none",
        404,
        api.get_connection_info("nobody"),
    );
}

fn channels(court: &mut Court, api: &Api, name: &str) {
    let page = PaginationParams::first_page(1);
    let Some(channels) = court.done("list_channels_on", api.list_channels_on(name)) else {
        return;
    };
    court.holds("one channel", Ok(channels.len()), |n| *n == 1);
    for channel in channels {
        court.holds(
            "get_channel_info",
            api.get_channel_info(&channel.name),
            |c| {
                c.id == channel.id
                    && c.has_publisher_confirms_enabled
                    && c.consumer_count == 1
                    && c.prefetch_count == 7
            },
        );
    }
    court.holds("list_channels", api.list_channels(), |c| {
        c.iter().any(|c| c.connection_details.name == name)
    });
    court.holds("list_channels_paged", api.list_channels_paged(&page), |c| {
        c.len() == 1
    });
    court.holds("list_channels_in", api.list_channels_in("/"), |c| {
        !c.is_empty()
    });
    court.holds(
        "list_channels_in_paged",
        api.list_channels_in_paged("/", &page),
        |c| c.len() == 1,
    );
}

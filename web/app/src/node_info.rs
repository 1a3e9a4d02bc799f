//! What the node tells of itself, fetched once and shared.

use std::rc::Rc;

use domain::api::NodeInfo;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api;
use crate::connection::Connection;

/// As far as it is known.
#[derive(Clone, PartialEq)]
struct Shared(Option<Rc<NodeInfo>>);

/// What the node tells of itself; nothing until it has answered.
#[hook]
pub fn use_node_info() -> Option<Rc<NodeInfo>> {
    use_context::<Shared>().and_then(|shared| shared.0)
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub connection: Connection,
    pub children: Html,
}

/// Fetches it for everything inside.
#[component]
pub fn NodeInfoProvider(props: &Props) -> Html {
    let info = use_state_eq(|| None);
    {
        let (info, connection) = (info.clone(), props.connection.clone());
        use_effect_with(props.connection.epoch, move |_| {
            spawn_local(async move {
                match api::node().await {
                    Ok(node) => info.set(Some(Rc::new(node))),
                    Err(error) => connection.heed(&error),
                }
            });
        });
    }
    html! { <ContextProvider<Shared> context={Shared((*info).clone())}>{ props.children.clone() }</ContextProvider<Shared>> }
}

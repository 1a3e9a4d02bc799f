//! A choice that is asked about, or sent, before it is so: it shows what is so, and tells what was chosen.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

#[derive(PartialEq, Properties)]
pub struct Props {
    /// What is chosen of what, for who does not see it.
    pub label: String,
    /// What is so.
    pub value: &'static str,
    /// Each with what it is called.
    pub options: Vec<(&'static str, &'static str)>,
    pub on_choose: Callback<String>,
}

#[component]
pub fn Choose(props: &Props) -> Html {
    let select = use_node_ref();
    use_effect_with((select.clone(), props.value), |(select, value)| {
        // Whatever was chosen before, it shows what is so by now.
        if let Some(select) = select.cast::<HtmlSelectElement>() {
            select.set_value(value);
        }
    });
    let on_change = {
        let (value, on_choose) = (props.value, props.on_choose.clone());
        Callback::from(move |event: Event| {
            let select = event.target_unchecked_into::<HtmlSelectElement>();
            let chosen = select.value();
            select.set_value(value);
            if chosen != value {
                on_choose.emit(chosen);
            }
        })
    };
    html! {
        <select ref={select} class="choose" aria-label={props.label.clone()} onchange={on_change}>
            { for props.options.iter().map(|(value, name)| html! { <option value={*value}>{ *name }</option> }) }
        </select>
    }
}

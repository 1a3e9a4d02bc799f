//! The page for an address that leads nowhere.

use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::use_page;
use crate::i18n::use_tr;
use crate::routes::Route;

#[component]
pub fn NotFound() -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(Text::NotFoundTitle));
    html! {
        <section id="not-found" class="lost">
            <p class="lost-mark" aria-hidden="true">{ "❧" }</p>
            <h1 ref={heading} tabindex="-1">{ tr.t(Text::NotFoundTitle) }</h1>
            <p>{ tr.t(Text::NotFoundDetail) }</p>
            <Link<Route> to={Route::Shelf} classes="button">{ tr.t(Text::BackToShelf) }</Link<Route>>
        </section>
    }
}

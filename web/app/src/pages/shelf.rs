//! The shelf: where a book is dropped, and the books that are there.

use domain::text::Text;
use yew::prelude::*;

use super::use_page;
use crate::i18n::use_tr;
use crate::shelf::BookList;
use crate::upload::{Target, UploadPanel};

#[component]
pub fn Shelf() -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(Text::ShelfTitle));
    html! {
        <>
            <section class="hero">
                <h1 ref={heading} tabindex="-1">{ tr.t(Text::ShelfHeading) }</h1>
                <p class="lead">{ tr.t(Text::ShelfLead) }</p>
                <UploadPanel target={Target::Shelf} />
            </section>
            <BookList />
        </>
    }
}

//! What goes out to other people's servers, and where it may go.
//!
//! An address is given by whoever uses the node, so it must not lead to what only the node can reach. Names are
//! resolved here, every address that they have is checked, and the connection goes to an address that was checked:
//! what a name means a moment later decides nothing.
//!
//! | module | holds |
//! |---|---|
//! | [`guard`] | which addresses, ports and schemes are allowed: pure |
//! | [`dial`] | connections to addresses that were checked |
//! | [`courier`] | one POST over one connection, under deadlines |
//! | [`fetch`] | small answers over HTTP, under one deadline |
//! | [`oidc`] | the identity provider that whoever runs the node names |
//! | [`mail`] | letters into a folder, or to a mail server, which whoever runs the node names |

pub mod courier;
pub mod dial;
pub mod fetch;
pub mod guard;
pub mod mail;
pub mod oidc;

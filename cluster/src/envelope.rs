//! What surrounds each message, and its bytes.
//!
//! On the wire an envelope is bincode (little-endian, variable-length integers) of a frozen header and the
//! body's bytes. An unknown kind decodes to [`Message::Unknown`], so that it can be answered; bytes that
//! are no envelope at all decode to an envelope with a [`Fault`] in it. Decoding never panics.

use bincode::{Decode, Encode};
use domain::id::Term;
use ractor::BytesConvertable;

use crate::body::Fault;
use crate::message::Message;

/// Version of the header below, and of the meaning of all kinds. Raised only when a peer of the old
/// version could not be answered any more.
pub const PROTOCOL: u16 = 1;

/// Largest envelope; what is bigger goes by the bulk plane.
pub const MAX_ENVELOPE_BYTES: usize = 4 << 20;

pub(crate) const WIRE_CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_ENVELOPE_BYTES>,
> = bincode::config::standard().with_limit::<MAX_ENVELOPE_BYTES>();

/// Follows one request through every actor that it touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Trace(pub u128);

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One message between two roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// [`PROTOCOL`] of the sender.
    pub protocol: u16,
    /// The sender's term where it holds a lease, else zero.
    pub term: Term,
    /// How long the sender waits for an answer; 0 for a message without one.
    pub deadline_ms: u32,
    /// Which request this belongs to.
    pub trace: Trace,
    /// What is said.
    pub message: Message,
}

/// The header as it lies on the wire. Frozen.
#[derive(Encode, Decode)]
struct Frame {
    protocol: u16,
    kind: u16,
    term: Term,
    deadline_ms: u32,
    trace: u128,
    body: Vec<u8>,
}

/// Bytes that are not an envelope of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The frame or its body does not decode.
    #[error("malformed envelope: {0}")]
    Malformed(String),
    /// Bytes follow the frame or the body: a field was added where none may be.
    #[error("{0} bytes too many in an envelope")]
    Trailing(usize),
}

impl Envelope {
    /// An envelope of this protocol version with no term and no deadline.
    pub fn new(message: impl Into<Message>) -> Self {
        Self {
            protocol: PROTOCOL,
            term: Term::default(),
            deadline_ms: 0,
            trace: Trace::default(),
            message: message.into(),
        }
    }

    /// The envelope's bytes.
    ///
    /// # Errors
    /// If the message is larger than [`MAX_ENVELOPE_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let malformed = |e: bincode::error::EncodeError| EnvelopeError::Malformed(e.to_string());
        let frame = Frame {
            protocol: self.protocol,
            kind: self.message.kind(),
            term: self.term,
            deadline_ms: self.deadline_ms,
            trace: self.trace.0,
            body: self.message.encode_body().map_err(malformed)?,
        };
        let bytes = bincode::encode_to_vec(&frame, WIRE_CONFIG).map_err(malformed)?;
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::Malformed(format!("{} bytes in one envelope", bytes.len())));
        }
        Ok(bytes)
    }

    /// Reads an envelope back.
    ///
    /// # Errors
    /// If the bytes are not exactly one envelope. An unknown kind is no error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let frame: Frame = decode_exactly(bytes)?;
        Ok(Self {
            protocol: frame.protocol,
            term: frame.term,
            deadline_ms: frame.deadline_ms,
            trace: Trace(frame.trace),
            message: Message::decode_body(frame.kind, &frame.body)?,
        })
    }
}

/// Decodes a value that must fill `bytes` to the last one; bincode alone would ignore a rest.
pub(crate) fn decode_exactly<T: Decode<()>>(bytes: &[u8]) -> Result<T, EnvelopeError> {
    let (value, used) =
        bincode::decode_from_slice(bytes, WIRE_CONFIG).map_err(|e| EnvelopeError::Malformed(e.to_string()))?;
    match bytes.len() - used {
        0 => Ok(value),
        rest => Err(EnvelopeError::Trailing(rest)),
    }
}

/// ractor asks for conversions that can't fail; a failure travels as a [`Fault`] inside an envelope.
impl BytesConvertable for Envelope {
    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes().unwrap_or_else(|error| {
            tracing::error!(%error, kind = self.message.kind(), "an envelope could not be encoded");
            let fault = Self { message: Fault::malformed(&error).into(), ..self };
            fault.to_bytes().expect("a fault of bounded size encodes")
        })
    }

    fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::from_bytes(&bytes).unwrap_or_else(|error| Self::new(Fault::malformed(&error)))
    }
}

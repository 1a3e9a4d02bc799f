//! Every way in which a file can fail to be a book that we read.

/// Why a file was refused. The message is one plain sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The file is larger than [`crate::Limits::file_bytes`].
    #[error(
        "The file has {bytes} bytes and at most {limit_bytes} are read: choose a smaller edition, such as one without pictures."
    )]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// Nothing is in it: no bytes, no words, or no prose.
    #[error("There is no text to read in this file: check that it is the whole book and not only its cover.")]
    Empty,
    /// It is some other kind of file.
    #[error(
        "This looks like {looks_like}, not like a book: choose an EPUB, a PDF, a DOCX, HTML, Markdown or plain text."
    )]
    NotABook {
        /// What it looks like, with its article.
        looks_like: &'static str,
    },
    /// The end of the archive is missing.
    #[error("The book is cut off before its end: download or copy it again.")]
    Truncated,
    /// The archive or an entry can't be unpacked.
    #[error("The book is damaged ({part} cannot be unpacked): download or copy it again.")]
    Damaged {
        /// Where.
        part: String,
    },
    /// A part that every book of its kind has is missing.
    #[error("The book lacks {part}: export it again from the program that made it.")]
    Incomplete {
        /// The part.
        part: String,
    },
    /// An entry is not well-formed enough to be read.
    #[error("The book's {href} is not readable near byte {offset}: export it again from the program that made it.")]
    Malformed {
        /// Path of the entry.
        href: String,
        /// Byte in the undecoded entry.
        offset: u64,
    },
    /// One entry inflates beyond [`crate::Limits::entry_ratio`].
    #[error(
        "The book's {href} unpacks to more than {limit} times its packed size, as only a zip bomb does: use another copy of the book."
    )]
    ZipBomb {
        /// Path of the entry.
        href: String,
        /// The limit.
        limit: u64,
    },
    /// Together the entries inflate beyond [`crate::Limits::unpacked_bytes`].
    #[error("The book unpacks to more than {limit_bytes} bytes: use an edition with less in it.")]
    UnpacksTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// More entries than [`crate::Limits::entries`].
    #[error("The book holds {entries} files and at most {limit} are read: use an edition with fewer files.")]
    TooManyEntries {
        /// How many there are.
        entries: usize,
        /// The limit.
        limit: usize,
    },
    /// Two entries share their bytes.
    #[error("The book holds entries that overlap ({path}), as only a zip bomb does: use another copy of the book.")]
    OverlappingEntries {
        /// Path of the second.
        path: String,
    },
    /// An entry is an archive itself.
    #[error("The book holds another archive ({path}): unpack it and choose the book itself.")]
    NestedArchive {
        /// The path.
        path: String,
    },
    /// The cover has more pixels than [`crate::Limits::cover_pixels`].
    #[error(
        "The book's cover {href} has {pixels} pixels and at most {limit} are taken: use an edition with a smaller one."
    )]
    CoverTooLarge {
        /// Path of the entry.
        href: String,
        /// Width times height.
        pixels: u64,
        /// The limit.
        limit: u64,
    },
    /// An entry's path is longer than [`crate::Limits::path_bytes`].
    #[error("The book holds a file whose path has more than {limit_bytes} bytes: export it again with shorter names.")]
    PathTooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// An entry's path leaves the archive.
    #[error("The book holds a file that points outside it ({path}): use a copy from a source that you trust.")]
    UnsafePath {
        /// The path.
        path: String,
    },
    /// An entry is a link.
    #[error("The book holds a link instead of a file ({path}): use a copy from a source that you trust.")]
    Symlink {
        /// The path.
        path: String,
    },
    /// Two entries have one path.
    #[error("The book holds two files of the same name: export it again from the program that made it.")]
    DuplicateEntry,
    /// An entry's path is not UTF-8.
    #[error("The book holds a file whose name is not in UTF-8: export it again from the program that made it.")]
    NameNotUtf8,
    /// XML is nested deeper than [`crate::Limits::xml_depth`].
    #[error(
        "The book's {href} nests its elements deeper than {limit} levels: export it again from the program that made it."
    )]
    XmlTooDeep {
        /// Path of the entry.
        href: String,
        /// The limit.
        limit: usize,
    },
    /// A start tag is longer than [`crate::Limits::attribute_bytes`].
    #[error(
        "The book's {href} has a tag of more than {limit_bytes} bytes: export it again from the program that made it."
    )]
    AttributesTooLarge {
        /// Path of the entry.
        href: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// An entry declares XML entities of its own.
    #[error("The book's {href} declares XML entities, which are never resolved here: export it again without them.")]
    EntityDeclared {
        /// Path of the entry.
        href: String,
    },
    /// The book is locked by DRM or a password.
    #[error("The book is locked by copy protection or a password: choose an edition without either.")]
    Encrypted,
    /// The program that reads PDFs is not installed.
    #[error(
        "Reading a PDF needs the program {program}, which could not be started: install the package poppler-utils (called poppler on macOS and Arch Linux)."
    )]
    PdfReaderMissing {
        /// The program that was sought.
        program: String,
    },
    /// A PDF without text, such as a scan.
    #[error(
        "The PDF holds pictures of its {pages} pages and no text: have a program for text recognition (OCR) add it."
    )]
    PdfOfPictures {
        /// How many pages there are.
        pages: usize,
    },
    /// More pages than [`crate::Limits::pdf_pages`].
    #[error("The PDF has more than {limit} pages: split it into volumes.")]
    PdfTooManyPages {
        /// The limit.
        limit: usize,
    },
    /// The PDF's text is larger than [`crate::Limits::pdf_output_bytes`].
    #[error("The PDF unpacks to more than {limit_bytes} bytes of text and places: use another edition of the book.")]
    PdfOutputTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// Reading the PDF took more memory than [`crate::Limits::pdf_memory_bytes`].
    #[error("Reading the PDF takes more than {limit_bytes} bytes of memory: use another edition of the book.")]
    PdfTooHungry {
        /// The limit.
        limit_bytes: u64,
    },
    /// The encoding of a text can't be told, or is none of those that are read.
    #[error("The text encoding of {href} is not one that is read here: save the file as UTF-8.")]
    UnknownEncoding {
        /// Path of the entry, or the file's name.
        href: String,
    },
    /// Neither English nor French.
    #[error("The book looks like {looks_like}: English and French are read.")]
    UnknownLanguage {
        /// The language's English name, or a description.
        looks_like: String,
    },
    /// Reading took longer than [`crate::Limits::time`].
    #[error(
        "Reading the book took longer than {limit_s} s: try again when the machine is less busy, or use a smaller edition."
    )]
    Timeout {
        /// The limit.
        limit_s: u64,
    },
}

impl BookError {
    /// Stable code of this kind of refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "book-too-large",
            Self::Empty => "book-empty",
            Self::NotABook { .. } => "book-not-a-book",
            Self::Truncated => "book-truncated",
            Self::Damaged { .. } => "book-damaged",
            Self::Incomplete { .. } => "book-incomplete",
            Self::Malformed { .. } => "book-malformed",
            Self::ZipBomb { .. } => "book-zip-bomb",
            Self::UnpacksTooLarge { .. } => "book-unpacks-too-large",
            Self::TooManyEntries { .. } => "book-too-many-entries",
            Self::OverlappingEntries { .. } => "book-overlapping-entries",
            Self::NestedArchive { .. } => "book-nested-archive",
            Self::CoverTooLarge { .. } => "book-cover-too-large",
            Self::PathTooLong { .. } => "book-path-too-long",
            Self::UnsafePath { .. } => "book-unsafe-path",
            Self::Symlink { .. } => "book-symlink",
            Self::DuplicateEntry => "book-duplicate-entry",
            Self::NameNotUtf8 => "book-name-not-utf8",
            Self::XmlTooDeep { .. } => "book-xml-too-deep",
            Self::AttributesTooLarge { .. } => "book-attributes-too-large",
            Self::EntityDeclared { .. } => "book-entity-declared",
            Self::Encrypted => "book-encrypted",
            Self::PdfReaderMissing { .. } => "book-pdf-reader-missing",
            Self::PdfOfPictures { .. } => "book-pdf-of-pictures",
            Self::PdfTooManyPages { .. } => "book-pdf-too-many-pages",
            Self::PdfOutputTooLarge { .. } => "book-pdf-output-too-large",
            Self::PdfTooHungry { .. } => "book-pdf-too-hungry",
            Self::UnknownEncoding { .. } => "book-encoding-unknown",
            Self::UnknownLanguage { .. } => "book-language-unknown",
            Self::Timeout { .. } => "book-timeout",
        }
    }
}

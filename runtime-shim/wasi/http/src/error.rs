//! The error codes of wasi:http.
//!
//! **Invariant: a code tells the guest what happened to its own request, and nothing of the host's.**

use wasmaot_component::{record, variant};

record! {
    /// What a failed lookup of a name says.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DnsErrorPayload {
        /// The code of the response.
        pub rcode: Option<String> = "rcode",
        /// More about it, as a number.
        pub info_code: Option<u16> = "info-code",
    }
}

record! {
    /// What a TLS alert says.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TlsAlertReceivedPayload {
        /// Its number.
        pub alert_id: Option<u8> = "alert-id",
        /// Its text.
        pub alert_message: Option<String> = "alert-message",
    }
}

record! {
    /// Which field is too large.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct FieldSizePayload {
        /// Its name.
        pub field_name: Option<String> = "field-name",
        /// Its size in bytes.
        pub field_size: Option<u32> = "field-size",
    }
}

variant! {
    /// Why a request, a response or a body ended early: `wasi:http/types.error-code`. Displays as the name of
    /// the case.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    pub enum ErrorCode {
        /// Resolving the name took too long.
        #[error("DNS-timeout")]
        DnsTimeout = "DNS-timeout",
        /// The name has no address.
        #[error("DNS-error")]
        DnsError(DnsErrorPayload) = "DNS-error",
        /// The destination is not known.
        #[error("destination-not-found")]
        DestinationNotFound = "destination-not-found",
        /// The destination is not available.
        #[error("destination-unavailable")]
        DestinationUnavailable = "destination-unavailable",
        /// The host does not permit the address that the name has.
        #[error("destination-IP-prohibited")]
        DestinationIpProhibited = "destination-IP-prohibited",
        /// There is no route to the address.
        #[error("destination-IP-unroutable")]
        DestinationIpUnroutable = "destination-IP-unroutable",
        /// The peer refused the connection.
        #[error("connection-refused")]
        ConnectionRefused = "connection-refused",
        /// The connection ended early.
        #[error("connection-terminated")]
        ConnectionTerminated = "connection-terminated",
        /// Connecting took too long.
        #[error("connection-timeout")]
        ConnectionTimeout = "connection-timeout",
        /// Nothing was received for too long.
        #[error("connection-read-timeout")]
        ConnectionReadTimeout = "connection-read-timeout",
        /// Nothing could be sent for too long.
        #[error("connection-write-timeout")]
        ConnectionWriteTimeout = "connection-write-timeout",
        /// The guest made more requests than it may.
        #[error("connection-limit-reached")]
        ConnectionLimitReached = "connection-limit-reached",
        /// The TLS handshake failed.
        #[error("TLS-protocol-error")]
        TlsProtocolError = "TLS-protocol-error",
        /// The server's certificate is not valid.
        #[error("TLS-certificate-error")]
        TlsCertificateError = "TLS-certificate-error",
        /// The peer sent a TLS alert.
        #[error("TLS-alert-received")]
        TlsAlertReceived(TlsAlertReceivedPayload) = "TLS-alert-received",
        /// The host does not permit the request.
        #[error("HTTP-request-denied")]
        HttpRequestDenied = "HTTP-request-denied",
        /// The request needs a length.
        #[error("HTTP-request-length-required")]
        HttpRequestLengthRequired = "HTTP-request-length-required",
        /// The request's body exceeds its limit or has another size than announced.
        #[error("HTTP-request-body-size")]
        HttpRequestBodySize(Option<u64>) = "HTTP-request-body-size",
        /// The request's method is not valid.
        #[error("HTTP-request-method-invalid")]
        HttpRequestMethodInvalid = "HTTP-request-method-invalid",
        /// The request's URI is not valid.
        #[error("HTTP-request-URI-invalid")]
        HttpRequestUriInvalid = "HTTP-request-URI-invalid",
        /// The request's URI is too long.
        #[error("HTTP-request-URI-too-long")]
        HttpRequestUriTooLong = "HTTP-request-URI-too-long",
        /// The request's headers are too large.
        #[error("HTTP-request-header-section-size")]
        HttpRequestHeaderSectionSize(Option<u32>) = "HTTP-request-header-section-size",
        /// A header of the request is too large.
        #[error("HTTP-request-header-size")]
        HttpRequestHeaderSize(Option<FieldSizePayload>) = "HTTP-request-header-size",
        /// The request's trailers are too large.
        #[error("HTTP-request-trailer-section-size")]
        HttpRequestTrailerSectionSize(Option<u32>) = "HTTP-request-trailer-section-size",
        /// A trailer of the request is too large.
        #[error("HTTP-request-trailer-size")]
        HttpRequestTrailerSize(FieldSizePayload) = "HTTP-request-trailer-size",
        /// The response ended early.
        #[error("HTTP-response-incomplete")]
        HttpResponseIncomplete = "HTTP-response-incomplete",
        /// The response's headers are too large.
        #[error("HTTP-response-header-section-size")]
        HttpResponseHeaderSectionSize(Option<u32>) = "HTTP-response-header-section-size",
        /// A header of the response is too large.
        #[error("HTTP-response-header-size")]
        HttpResponseHeaderSize(FieldSizePayload) = "HTTP-response-header-size",
        /// The response's body exceeds its limit or has another size than announced.
        #[error("HTTP-response-body-size")]
        HttpResponseBodySize(Option<u64>) = "HTTP-response-body-size",
        /// The response's trailers are too large.
        #[error("HTTP-response-trailer-section-size")]
        HttpResponseTrailerSectionSize(Option<u32>) = "HTTP-response-trailer-section-size",
        /// A trailer of the response is too large.
        #[error("HTTP-response-trailer-size")]
        HttpResponseTrailerSize(FieldSizePayload) = "HTTP-response-trailer-size",
        /// The response's transfer coding is not known.
        #[error("HTTP-response-transfer-coding")]
        HttpResponseTransferCoding(Option<String>) = "HTTP-response-transfer-coding",
        /// The response's content coding is not known.
        #[error("HTTP-response-content-coding")]
        HttpResponseContentCoding(Option<String>) = "HTTP-response-content-coding",
        /// The response took too long.
        #[error("HTTP-response-timeout")]
        HttpResponseTimeout = "HTTP-response-timeout",
        /// The upgrade failed.
        #[error("HTTP-upgrade-failed")]
        HttpUpgradeFailed = "HTTP-upgrade-failed",
        /// A peer broke the protocol.
        #[error("HTTP-protocol-error")]
        HttpProtocolError = "HTTP-protocol-error",
        /// The request went in a circle.
        #[error("loop-detected")]
        LoopDetected = "loop-detected",
        /// The server is not configured as it has to be.
        #[error("configuration-error")]
        ConfigurationError = "configuration-error",
        /// Something else.
        #[error("internal-error")]
        InternalError(Option<String>) = "internal-error",
    }
}

variant! {
    /// Why fields are not changed: `wasi:http/types.header-error`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum HeaderError {
        /// A name or value is not valid.
        InvalidSyntax = "invalid-syntax",
        /// The name is the host's to set.
        Forbidden = "forbidden",
        /// The fields belong to something that exists.
        Immutable = "immutable",
    }
}

impl ErrorCode {
    /// The code for a name without an address.
    pub(crate) fn no_address() -> Self {
        Self::DnsError(DnsErrorPayload { rcode: None, info_code: None })
    }

    /// The code for an error of hyper's.
    pub(crate) fn of_hyper(error: &hyper::Error) -> Self {
        let cause = std::error::Error::source(error);
        if let Some(code) = cause.and_then(|cause| cause.downcast_ref::<ErrorCode>()) {
            return code.clone();
        }
        match error {
            error if error.is_timeout() => Self::ConnectionReadTimeout,
            error if error.is_parse() || error.is_user() => Self::HttpProtocolError,
            error if error.is_incomplete_message() => Self::HttpResponseIncomplete,
            _ => Self::ConnectionTerminated,
        }
    }
}

// Why a TLS connection did not come to be, in words that name the setting or the file to look at.
// Knows OpenSSL by names of its types only; no sockets here.
#pragma once

#include <string>

#include "collectors/http.hpp"
#include "model/result.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace doctor {

/// Connections of this context remember whether the peer asked for a certificate we do not have.
void note_certificate_requests(ssl_ctx_st* context);
bool certificate_requested(const ssl_st* connection);

/// The name that the peer's certificate must be for: tls.server_name, else the host.
std::string expected_name(const Endpoint& endpoint);

/// Sets SNI and the name or address to verify. False when OpenSSL does not take the name.
bool expect_name(ssl_st* connection, const Endpoint& endpoint);

/// What is wrong with the certificate that is being verified just now.
std::string certificate_fault(x509_store_ctx_st* verification, const Endpoint& endpoint);

/// What OpenSSL's error number says: an alert of the peer, or no TLS at all. `requested` as above.
std::string protocol_fault(unsigned long openssl_error, bool requested, const Endpoint& endpoint);

/// The peer asked for a certificate, got none, and closed.
std::string certificate_missing(const Endpoint& endpoint);

}  // namespace doctor

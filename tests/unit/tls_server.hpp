// A server that speaks TLS with plain OpenSSL over the raw sockets of loopback.hpp, so that what it
// does wrong it does on purpose.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/certificates.hpp"
#include "tests/unit/loopback.hpp"

namespace doctor {

class TlsPeer {
 public:
  explicit TlsPeer(SSL* connection) : connection_(connection) {}
  std::string receive_until(std::string_view mark) const {
    std::string text;
    char window[4096];
    while (text.find(mark) == std::string::npos) {
      const int count = SSL_read(connection_, window, sizeof(window));
      if (count <= 0) break;
      text.append(window, static_cast<std::size_t>(count));
    }
    return text;
  }
  void send(std::string_view text) const {
    SSL_write(connection_, text.data(), static_cast<int>(text.size()));
  }
  void say_goodbye() const { SSL_shutdown(connection_); }
  std::string name_asked_for() const {
    const char* name = SSL_get_servername(connection_, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

 private:
  SSL* connection_;
};

struct TlsManners {
  certificates::Identity identity;
  std::string client_authority{};  // PEM; not empty: a client certificate is required
  int version_max{TLS1_3_VERSION};
};

using TlsScript = std::function<void(const TlsPeer&)>;

inline X509* parse_certificate(const std::string& text) {
  const certificates::Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                              BIO_free);
  return PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
}

inline void load(SSL_CTX* context, const TlsManners& manners) {
  using certificates::Certificate;
  const Certificate own(parse_certificate(manners.identity.certificate), X509_free);
  SSL_CTX_use_certificate(context, own.get());
  const certificates::Bio bio(
      BIO_new_mem_buf(manners.identity.key.data(), static_cast<int>(manners.identity.key.size())),
      BIO_free);
  const certificates::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr),
                              EVP_PKEY_free);
  SSL_CTX_use_PrivateKey(context, key.get());
  SSL_CTX_set_security_level(context, 0);  // or TLS 1.1 could not be tried
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, manners.version_max);
  if (manners.client_authority.empty()) return;
  const Certificate authority(parse_certificate(manners.client_authority), X509_free);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

/// Runs `script` for every connection whose handshake succeeds.
inline loopback::ScriptServer::Script with_tls(TlsManners manners, TlsScript script) {
  return [manners = std::move(manners), script = std::move(script)](const loopback::Peer& peer) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    load(context.get(), manners);
    const std::unique_ptr<SSL, decltype(&SSL_free)> connection(SSL_new(context.get()), SSL_free);
    SSL_set_fd(connection.get(), peer.fd());
    if (SSL_accept(connection.get()) == 1) script(TlsPeer(connection.get()));
  };
}

/// Answers every request with `answer` and says goodbye.
inline TlsScript tls_says(std::string answer) {
  return [answer = std::move(answer)](const TlsPeer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send(answer);
    peer.say_goodbye();
  };
}

}  // namespace doctor

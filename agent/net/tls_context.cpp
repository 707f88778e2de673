#include "agent/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <string>

#include "agent/net/small_file.hpp"
#include "agent/net/tls_fault.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error at_file(const std::string& path, const std::string& what) {
  return {ErrorCode::tls, printable(path) + ": " + what};
}

Status trust(ssl::context& context, const std::string& ca_file, const Limits& limits) {
  error_code error;
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return Error{ErrorCode::tls, "the system has no list of trusted authorities"};
    return Done{};
  }
  const Result<Secret> text = read_small_file(ca_file, limits.certificate_file_bytes_max);
  if (!text) return text.error();
  context.add_certificate_authority(asio::buffer(text->reveal()), error);
  if (error) return at_file(ca_file, "no CA certificate in PEM form could be read from it");
  // Whatever stands in the file is trusted, also an intermediate or the server's own certificate.
  X509_STORE_set_flags(SSL_CTX_get_cert_store(context.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  return Done{};
}

Status show(ssl::context& context, const TlsSettings& tls, const Limits& limits) {
  const std::size_t bytes_max = limits.certificate_file_bytes_max;
  const Result<Secret> chain = read_small_file(tls.certificate_file, bytes_max);
  if (!chain) return chain.error();
  const Result<Secret> key = read_small_file(tls.key_file, bytes_max);
  if (!key) return key.error();
  error_code error;
  context.use_certificate_chain(asio::buffer(chain->reveal()), error);
  if (error) {
    return at_file(tls.certificate_file, "no certificate in PEM form could be read from it");
  }
  context.use_private_key(asio::buffer(key->reveal()), ssl::context::pem, error);
  // A key of another kind than the certificate's is taken at first and found out here.
  if (!error && SSL_CTX_check_private_key(context.native_handle()) == 1) return Done{};
  if (key->reveal().find("ENCRYPTED") != std::string::npos) {
    return at_file(tls.key_file, "the private key is encrypted; a plain one is needed");
  }
  if (!error ||
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH) {
    return at_file(tls.key_file, "the private key does not match the certificate of " +
                                     printable(tls.certificate_file));
  }
  return at_file(tls.key_file, "no private key in PEM form could be read from it");
}

}  // namespace

Result<TlsContext> make_tls_context(const HttpAccess* access, const Limits& limits) {
  const TlsSettings settings = access == nullptr ? TlsSettings{} : access->tls;
  ERR_clear_error();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  note_certificate_requests(context->native_handle());
  error_code error;
  // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
  context->set_password_callback([](std::size_t, auto) { return std::string(); }, error);
  Status done = Done{};
  if (!settings.insecure_skip_verify) {
    context->set_verify_mode(ssl::verify_peer, error);
    done = trust(*context, settings.ca_file, limits);
  } else {
    context->set_verify_mode(ssl::verify_none, error);
  }
  if (done && !settings.certificate_file.empty()) done = show(*context, settings, limits);
  ERR_clear_error();
  if (!done) return done.error();
  return context;
}

}  // namespace doctor

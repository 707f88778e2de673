#include "agent/net/tls_fault.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <ctime>
#include <memory>

#include "agent/net/access.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr int kNamesShownMax = 5;
constexpr std::size_t kNameBytesMax = 120;

int request_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

bool is_address(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "?";
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size <= 0 ? "nobody" : printable({text, static_cast<std::size_t>(size)}, kNameBytesMax);
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
  char text[64];
  const std::size_t size = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  return {text, size};
}

std::string text_of(const GENERAL_NAME& name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &type);
  const auto* string = static_cast<const ASN1_STRING*>(value);
  if (type == GEN_DNS) {
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
    return printable({bytes, static_cast<std::size_t>(ASN1_STRING_length(string))}, kNameBytesMax);
  }
  if (type != GEN_IPADD) return {};
  const unsigned char* bytes = ASN1_STRING_get0_data(string);
  if (ASN1_STRING_length(string) == 4) {
    boost::asio::ip::address_v4::bytes_type four{};
    std::copy(bytes, bytes + four.size(), four.begin());
    return boost::asio::ip::address_v4(four).to_string();
  }
  if (ASN1_STRING_length(string) != 16) return {};
  boost::asio::ip::address_v6::bytes_type sixteen{};
  std::copy(bytes, bytes + sixteen.size(), sixteen.begin());
  return boost::asio::ip::address_v6(sixteen).to_string();
}

/// "jm, 10.0.0.1": what a certificate is for.
std::string names_in(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::string text;
  int shown = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && shown < kNamesShownMax; ++i) {
    const std::string name = text_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (name.empty()) continue;
    text += (text.empty() ? "" : ", ") + name;
    ++shown;
  }
  return text.empty() ? text_of(X509_get_subject_name(certificate)) : text;
}

std::string unknown_authority(const X509* certificate, const Endpoint& endpoint) {
  const HttpAccess* access = endpoint.access.get();
  const std::string by = "its certificate is signed by an unknown CA (" +
                         text_of(X509_get_issuer_name(certificate)) + "); ";
  if (access == nullptr || access->tls.ca_file.empty()) {
    return by + "name the file with that CA in " + tls_setting(access, "ca_file");
  }
  return by + "the CAs in " + printable(access->tls.ca_file) + " are others";
}

std::string own_certificate(const Endpoint& endpoint) {
  return "our certificate of " + printable(endpoint.access->tls.certificate_file);
}

bool shows_certificate(const Endpoint& endpoint) {
  return endpoint.access != nullptr && !endpoint.access->tls.certificate_file.empty();
}

/// Empty when the alert is not about our certificate.
std::string refusal_of_certificate(int reason, const Endpoint& endpoint) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "it says that " + own_certificate(endpoint) + " has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "it says that " + own_certificate(endpoint) + " is revoked";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not know the CA of " + own_certificate(endpoint);
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return "it does not accept " + own_certificate(endpoint);
    default:
      return {};
  }
}

}  // namespace

void note_certificate_requests(ssl_ctx_st* context) {
  SSL_CTX_set_client_cert_cb(context, [](SSL* connection, X509**, EVP_PKEY**) {
    static char yes{};
    SSL_set_ex_data(connection, request_slot(), &yes);
    return 0;
  });
}

bool certificate_requested(const ssl_st* connection) {
  return SSL_get_ex_data(connection, request_slot()) != nullptr;
}

std::string expected_name(const Endpoint& endpoint) {
  const HttpAccess* access = endpoint.access.get();
  return access != nullptr && !access->tls.server_name.empty() ? access->tls.server_name
                                                               : endpoint.host;
}

bool expect_name(ssl_st* connection, const Endpoint& endpoint) {
  const std::string name = expected_name(endpoint);
  X509_VERIFY_PARAM* rules = SSL_get0_param(connection);
  if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size()) == 1 &&
         SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(name.c_str())) == 1;
}

std::string certificate_fault(x509_store_ctx_st* verification, const Endpoint& endpoint) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  const int fault = X509_STORE_CTX_get_error(verification);
  const std::string whose =
      X509_STORE_CTX_get_error_depth(verification) == 0 || certificate == nullptr
          ? "its certificate "
          : "the CA certificate of " + text_of(X509_get_subject_name(certificate)) + " ";
  if (certificate != nullptr) {
    switch (fault) {
      case X509_V_ERR_CERT_HAS_EXPIRED:
        return whose + "has expired, on " + text_of(X509_get0_notAfter(certificate));
      case X509_V_ERR_CERT_NOT_YET_VALID:
        return whose + "is not valid before " + text_of(X509_get0_notBefore(certificate)) +
               "; are the clocks right?";
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return whose + "is for another name: " + names_in(certificate) + ", not " +
               printable(expected_name(endpoint)) + "; which one to expect says " +
               tls_setting(endpoint.access.get(), "server_name");
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return unknown_authority(certificate, endpoint);
      default:
        break;
    }
  }
  return whose + "is not good: " + X509_verify_cert_error_string(fault);
}

std::string protocol_fault(unsigned long openssl_error, bool requested, const Endpoint& endpoint) {
  const int reason = ERR_GET_REASON(openssl_error);
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
      return "no TLS is spoken there; is it http://" + printable(endpoint.address()) + "?";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "it does not speak TLS 1.2 or later";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "it does not know the name " + printable(expected_name(endpoint)) +
             "; another one can be set with " + tls_setting(endpoint.access.get(), "server_name");
    default:
      break;
  }
  if (shows_certificate(endpoint)) {
    std::string refusal = refusal_of_certificate(reason, endpoint);
    if (!refusal.empty()) return refusal;
  } else if (requested || reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) {
    return certificate_missing(endpoint);
  }
  const char* text = ERR_reason_error_string(openssl_error);
  return "the TLS handshake failed: " + (text == nullptr ? "unknown reason" : std::string(text));
}

std::string certificate_missing(const Endpoint& endpoint) {
  const HttpAccess* access = endpoint.access.get();
  return "it asks for a client certificate; set " + tls_setting(access, "certificate_file") +
         " and " + tls_setting(access, "key_file");
}

}  // namespace doctor

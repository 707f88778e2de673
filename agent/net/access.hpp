// How a peer is trusted and what shows it who asks, as configured: options and names of files. The
// keyring (keyring.hpp) reads the files when they are needed and again when they change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/secret.hpp"

namespace doctor {

/// Files are PEM. Certificate and key go together: the certificate first, then its chain; the key
/// not encrypted.
struct TlsSettings {
  std::string ca_file{};           // trusted instead of the system's authorities
  std::string certificate_file{};  // empty: none is shown
  std::string key_file{};
  std::string server_name{};  // expected in the certificate and sent as SNI; empty: the host
  bool insecure_skip_verify{false};
};

struct ExtraHeader {
  std::string name{};
  Secret value{};      // or
  std::string file{};  // where the value is
};

struct AuthSettings {
  std::string username{};  // Basic, with password_file
  std::string password_file{};
  std::string bearer_token_file{};
  std::vector<ExtraHeader> headers{};
};

struct HttpAccess {
  std::string tls_block{};   // where it is configured, such as "clusters[0].tls"; empty: by flags
  std::string auth_block{};  // such as "clusters[0].reporter_auth"
  TlsSettings tls{};
  AuthSettings auth{};

  bool has_tls() const;
  bool has_auth() const;
};

/// What is wrong with the settings, without looking at a file: "BLOCK.KEY: why". Values are never
/// repeated.
std::vector<std::string> problems_of(const HttpAccess& access);

/// What to tell a person to set: "clusters[0].tls.ca_file", or "--ca-file".
std::string tls_setting(const HttpAccess* access, std::string_view key);
std::string auth_setting(const HttpAccess* access, std::string_view key);

/// Visible ASCII, and blanks in between: what may stand in a header's value.
bool is_header_value(std::string_view text);

}  // namespace doctor

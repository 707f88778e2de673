#include "agent/net/access.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>

#include "model/text.hpp"

namespace doctor {
namespace {

// What an exchange writes itself: doubled, they would change where a request ends or whom it is
// for.
constexpr std::array<std::string_view, 9> kOurHeaders{
    "host", "content-length", "content-type", "transfer-encoding", "connection",
    "te",   "upgrade",        "expect",       "accept-encoding"};

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string problem_of(const ExtraHeader& header, bool has_authorization) {
  const std::string name = boost::algorithm::to_lower_copy(header.name);
  if (!is_token(header.name)) return "no name of a header";
  if (std::find(kOurHeaders.begin(), kOurHeaders.end(), name) != kOurHeaders.end()) {
    return "this header is ours to set";
  }
  if (name == "authorization" && has_authorization) {
    return "basic or bearer_token_file sets this header already";
  }
  if (header.value.empty() == header.file.empty()) return "needs a value, or {file: PATH}";
  if (!is_header_value(header.value.reveal())) {
    return "the value has characters that do not belong into a header";
  }
  return {};
}

}  // namespace

bool HttpAccess::has_tls() const {
  return !tls.ca_file.empty() || !tls.certificate_file.empty() || !tls.key_file.empty() ||
         !tls.server_name.empty() || tls.insecure_skip_verify;
}

bool HttpAccess::has_auth() const {
  return !auth.username.empty() || !auth.password_file.empty() || !auth.bearer_token_file.empty() ||
         !auth.headers.empty();
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

std::vector<std::string> problems_of(const HttpAccess& access) {
  std::vector<std::string> problems;
  const auto& [tls_block, auth_block, tls, auth] = access;
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    const bool key_missing = tls.key_file.empty();
    problems.push_back(tls_setting(&access, key_missing ? "key_file" : "certificate_file") +
                       ": certificate and key go together; this one is missing");
  }
  if (!is_header_value(tls.server_name) || tls.server_name.find(' ') != std::string::npos) {
    problems.push_back(tls_setting(&access, "server_name") + ": not a host name");
  }
  if (auth.username.empty() != auth.password_file.empty()) {
    problems.push_back(auth_setting(&access, "basic") +
                       ": needs both a username and a password_file");
  }
  if (!is_header_value(auth.username) || auth.username.find(':') != std::string::npos) {
    problems.push_back(auth_setting(&access, "basic") +
                       ": a username has neither \":\" nor control characters");
  }
  if (!auth.username.empty() && !auth.bearer_token_file.empty()) {
    problems.push_back(auth_setting(&access, "bearer_token_file") +
                       ": either this or basic, a request carries one of them");
  }
  const bool has_authorization = !auth.username.empty() || !auth.bearer_token_file.empty();
  for (const ExtraHeader& header : auth.headers) {
    const std::string problem = problem_of(header, has_authorization);
    if (problem.empty()) continue;
    problems.push_back(auth_setting(&access, "headers") + "." + printable(header.name, 60) + ": " +
                       problem);
  }
  return problems;
}

std::string tls_setting(const HttpAccess* access, std::string_view key) {
  if (access != nullptr && !access->tls_block.empty()) {
    return access->tls_block + "." + std::string(key);
  }
  if (key == "ca_file") return "--ca-file";
  if (key == "certificate_file") return "--cert-file";
  if (key == "key_file") return "--key-file";
  return "tls." + std::string(key) + " in a configuration file";
}

std::string auth_setting(const HttpAccess* access, std::string_view key) {
  if (access != nullptr && !access->auth_block.empty()) {
    return access->auth_block + "." + std::string(key);
  }
  if (key == "basic") return "--basic-auth-user and --basic-auth-password-file";
  if (key == "bearer_token_file") return "--bearer-token-file";
  return "--header-file";
}

}  // namespace doctor

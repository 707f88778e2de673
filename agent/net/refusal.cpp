#include "agent/net/refusal.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/net/access.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kTargetBytesMax = 200;

/// "https://sso/login", without user info, query and fragment.
std::string target_of_redirect(std::string_view location) {
  location = location.substr(0, location.find_first_of("?#"));
  const std::size_t scheme = location.find("//");
  if (scheme == std::string_view::npos) return printable(location, kTargetBytesMax);
  const std::string_view rest = location.substr(scheme + 2);
  const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
  return printable(std::string(location.substr(0, scheme + 2)) +
                       std::string(at == std::string_view::npos ? rest : rest.substr(at + 1)),
                   kTargetBytesMax);
}

/// Of the schemes we know by name, those that are offered, such as "Basic, Bearer". A scheme stands
/// at the beginning or after a comma; parameters have a "=" behind their name.
std::vector<std::string> offered_schemes(const std::string& challenges) {
  constexpr std::array<std::string_view, 5> kSchemes{"Basic", "Bearer", "Negotiate", "NTLM",
                                                     "Digest"};
  std::vector<std::string> offered;
  const std::string text = boost::algorithm::to_lower_copy(challenges);
  for (const std::string_view scheme : kSchemes) {
    const std::string name = boost::algorithm::to_lower_copy(std::string(scheme));
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      const std::size_t before = at == 0 ? std::string::npos : text.find_last_not_of(' ', at - 1);
      const bool begins = before == std::string::npos || text[before] == ',';
      const std::size_t end = at + name.size();
      if (!begins || (end < text.size() && text[end] != ' ' && text[end] != ',')) continue;
      offered.emplace_back(scheme);
      break;
    }
  }
  return offered;
}

bool has(const std::vector<std::string>& schemes, std::string_view scheme) {
  return std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
}

/// "the token of /run/token": what was shown; empty when nothing was.
std::string shown(const HttpAccess* access) {
  if (access == nullptr) return {};
  const AuthSettings& auth = access->auth;
  if (!auth.username.empty()) {
    return "user " + printable(auth.username, 60) + " with the password of " +
           printable(auth.password_file);
  }
  if (!auth.bearer_token_file.empty()) return "the token of " + printable(auth.bearer_token_file);
  if (!auth.headers.empty()) return "the header " + printable(auth.headers.front().name, 60);
  if (!access->tls.certificate_file.empty()) {
    return "the certificate of " + printable(access->tls.certificate_file);
  }
  return {};
}

std::string unauthorized(const HttpAccess* access, const ResponseHead& head) {
  const std::vector<std::string> schemes = offered_schemes(head.challenges);
  const bool kerberos = has(schemes, "Negotiate") || has(schemes, "NTLM");
  if (kerberos && !has(schemes, "Basic") && !has(schemes, "Bearer")) {
    return "it asks for Kerberos (SPNEGO), which is not supported; put a proxy in front that "
           "authenticates";
  }
  std::string asked;
  for (const std::string& scheme : schemes) asked += (asked.empty() ? "" : " or ") + scheme;
  const std::string what = shown(access);
  if (!what.empty()) {
    return "it refuses " + what + (asked.empty() ? "" : "; it asks for " + asked);
  }
  return "it asks for credentials" + (asked.empty() ? "" : " (" + asked + ")") + "; set " +
         auth_setting(access, "basic") + " or " + auth_setting(access, "bearer_token_file");
}

std::string forbidden(const HttpAccess* access) {
  const std::string what = shown(access);
  if (!what.empty()) return what + " may not read this";
  return "reading is forbidden without credentials; set " + auth_setting(access, "basic") + " or " +
         auth_setting(access, "bearer_token_file");
}

/// nginx says "400 No required SSL certificate was sent", in HTML, after a handshake that went
/// well.
bool may_want_our_certificate(const Endpoint& endpoint, const ResponseHead& head) {
  const bool none = endpoint.access == nullptr || endpoint.access->tls.certificate_file.empty();
  return endpoint.tls && none && head.content_type.find("json") == std::string::npos;
}

}  // namespace

std::optional<Error> refusal(const Endpoint& endpoint, const ResponseHead& head) {
  const std::string number = "HTTP " + std::to_string(head.status) + ": ";
  const HttpAccess* access = endpoint.access.get();
  switch (head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      if (head.location.empty()) return std::nullopt;
      return Error{ErrorCode::http_status,
                   number + "it points to " + target_of_redirect(head.location) +
                       "; redirects are not followed, configure the address that answers itself"};
    case 400:
      if (!may_want_our_certificate(endpoint, head)) return std::nullopt;
      return Error{ErrorCode::http_status,
                   number + "so answers a proxy that wants a client certificate; set " +
                       tls_setting(access, "certificate_file") + " and " +
                       tls_setting(access, "key_file")};
    case 401:
      return Error{ErrorCode::http_status, number + unauthorized(access, head)};
    case 403:
      return Error{ErrorCode::http_status, number + forbidden(access)};
    case 407:
      return Error{ErrorCode::http_status, number + "a proxy asks for credentials of its own"};
    default:
      return std::nullopt;
  }
}

}  // namespace doctor

// Reading what a user typed as an address. Every refusal says what to type instead; user info is
// never repeated, it may hold a password.
#include "collectors/http.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>
#include <string_view>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035
constexpr std::size_t kPortDigitsMax = 5;
constexpr std::uint16_t kHttpsPort = 443;

struct Authority {
  std::string_view host;  // without brackets
  std::string_view port;  // empty when there was no colon
  bool has_port{};
};

Error bad(std::string message) { return {ErrorCode::invalid_argument, std::move(message)}; }

std::string quoted(std::string_view text) { return "\"" + printable(text) + "\""; }

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

enum class Scheme { none, http, https };

/// Takes "scheme://" off.
Result<Scheme> take_scheme(std::string_view& text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon > text.find_first_of("/?#")) return Scheme::none;
  std::string scheme(text.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (scheme != "http" && scheme != "https") {
    return bad("unknown scheme " + quoted(scheme) + "; use http://host:port or https://host:port");
  }
  text.remove_prefix(colon + 3);
  return scheme == "https" ? Scheme::https : Scheme::http;
}

bool is_ipv6(std::string_view host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_v6();
}

bool is_name_or_ipv4(std::string_view host) {
  const bool characters = std::all_of(host.begin(), host.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
  return characters && !host.empty() && host.size() <= kHostBytesMax && host.front() != '-' &&
         host.front() != '.' && host.find("..") == std::string_view::npos;
}

Result<Authority> split_authority(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return bad(
        "user name or password in an address is not supported; name a password file in the "
        "configuration's auth block");
  }
  Authority authority;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) {
      return bad("no IPv6 address between brackets in " + quoted(text));
    }
    authority.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') return bad("unexpected text after \"]\"");
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':')) {
      return bad("an IPv6 address needs brackets: [" + printable(text) + "]:port");
    }
    authority.host = text.substr(0, colon);
    if (!is_name_or_ipv4(authority.host)) return bad("no host name in " + quoted(text));
    text.remove_prefix(authority.host.size());
  }
  authority.has_port = !text.empty();
  if (authority.has_port) authority.port = text.substr(1);
  return authority;
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint32_t number{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || text.size() > kPortDigitsMax || error != std::errc{} || rest != end ||
      number == 0 || number > 65535) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(number);
}

Result<std::string> path_prefix(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path.find_first_of("?#") != std::string_view::npos) {
    return bad("an address ends before \"?\" and \"#\"; leave out " + quoted(path));
  }
  const bool clean = std::all_of(path.begin(), path.end(), [](char c) {
    return is_alnum(c) || std::string_view("/-._~%!$&'()*+,;=:").find(c) != std::string_view::npos;
  });
  if (!clean || path.find("//") != std::string_view::npos ||
      path.find("/..") != std::string_view::npos) {
    return bad("the path " + quoted(path) + " is not one a cluster can be served under");
  }
  return std::string(path);
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string Endpoint::address() const { return bracketed(host) + ":" + std::to_string(port); }

std::string Endpoint::url() const {
  return (tls ? "https://" : "http://") + address() + path_prefix;
}

Result<Endpoint> parse_url(const std::string& url, std::uint16_t default_port) {
  std::string_view text = trimmed(url);
  if (text.empty()) return bad("an empty address; use http://host:port");
  if (text.size() > kUrlBytesMax) return bad("an address of more than 2048 bytes");
  const Result<Scheme> scheme = take_scheme(text);
  if (!scheme) return scheme.error();
  const std::size_t slash = std::min(text.find_first_of("/?#"), text.size());
  const Result<Authority> authority = split_authority(text.substr(0, slash));
  if (!authority) return authority.error();
  Result<std::string> prefix = path_prefix(text.substr(slash));
  if (!prefix) return prefix.error();

  const bool tls = *scheme == Scheme::https;
  Endpoint endpoint{std::string(authority->host), tls ? kHttpsPort : default_port,
                    std::move(*prefix), tls};
  if (authority->has_port) {
    const std::optional<std::uint16_t> port = port_number(authority->port);
    if (!port) return bad(quoted(authority->port) + " is no port; use 1 to 65535");
    endpoint.port = *port;
  }
  if (endpoint.port == 0) return bad("the port is missing after " + quoted(authority->host));
  return endpoint;
}

Result<std::vector<Endpoint>> parse_port_range(const std::string& text, std::size_t endpoints_max) {
  std::string_view rest = trimmed(text);
  if (rest.size() > kUrlBytesMax) return bad("an address of more than 2048 bytes");
  const Result<Scheme> scheme = take_scheme(rest);
  if (!scheme) return scheme.error();
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) {
    return bad("a path is not possible here; use host:port or host:from-to");
  }
  const Result<Authority> authority = split_authority(rest);
  if (!authority) return authority.error();
  const std::size_t dash = authority->port.find('-');
  const std::optional<std::uint16_t> first = port_number(authority->port.substr(0, dash));
  const std::optional<std::uint16_t> last =
      dash == std::string_view::npos ? first : port_number(authority->port.substr(dash + 1));
  if (!first || !last) return bad("use host:port or host:from-to instead of " + quoted(rest));
  if (*last < *first) return bad("the port range of " + quoted(rest) + " runs backwards");
  const std::size_t count = static_cast<std::size_t>(*last - *first) + 1;
  if (count > endpoints_max) {
    return bad(quoted(rest) + " are " + std::to_string(count) + " ports; at most " +
               std::to_string(endpoints_max));
  }
  std::vector<Endpoint> endpoints;
  endpoints.reserve(count);
  for (std::uint32_t port = *first; port <= *last; ++port) {
    endpoints.push_back({std::string(authority->host),
                         static_cast<std::uint16_t>(port),
                         {},
                         *scheme == Scheme::https});
  }
  return endpoints;
}

}  // namespace doctor

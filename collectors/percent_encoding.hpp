// Text for a path segment or a query value of a URL (RFC 3986, section 2).
#pragma once

#include <string>
#include <string_view>

namespace doctor {

/// Letters, digits, "-._~" of ASCII, whatever the locale.
bool is_unreserved(char c);

/// All but unreserved characters as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace doctor

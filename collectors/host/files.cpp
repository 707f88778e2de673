#include "collectors/host/files.hpp"

namespace doctor::host {

Place Place::operator/(std::string_view name) const {
  while (name.starts_with('/')) name.remove_prefix(1);
  Place below{path, root};
  if (name.empty()) return below;
  if (!below.path.ends_with('/')) below.path += '/';
  below.path += name;
  return below;
}

std::string_view unreadable_reason(ErrorCode code) {
  switch (code) {
    case ErrorCode::refused:
      return "denied";
    case ErrorCode::gone:
      return "missing";
    case ErrorCode::timeout:
      return "stalled";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::malformed:
    case ErrorCode::truncated:
      return "malformed";
    default:
      return "io";
  }
}

}  // namespace doctor::host

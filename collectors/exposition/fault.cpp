#include "collectors/exposition/fault.hpp"

namespace doctor::exposition {

std::string_view to_string(LineFault fault) {
  switch (fault) {
    case LineFault::no_name:
      return "no_name";
    case LineFault::bad_name:
      return "bad_name";
    case LineFault::bad_labels:
      return "bad_labels";
    case LineFault::bad_escape:
      return "bad_escape";
    case LineFault::duplicate_label:
      return "duplicate_label";
    case LineFault::too_many_labels:
      return "too_many_labels";
    case LineFault::no_value:
      return "no_value";
    case LineFault::bad_value:
      return "bad_value";
    case LineFault::bad_timestamp:
      return "bad_timestamp";
    case LineFault::trailing_text:
      return "trailing_text";
    case LineFault::too_long:
      return "too_long";
    case LineFault::bad_utf8:
      return "bad_utf8";
  }
  return "unknown";
}

}  // namespace doctor::exposition

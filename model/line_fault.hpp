// Why a line could not be read: a fixed set, because the reasons are counted.
#pragma once

#include <string_view>

namespace doctor {

enum class LineFault {
  no_name,
  bad_name,
  bad_labels,
  bad_escape,
  duplicate_label,
  too_many_labels,
  no_value,
  bad_value,
  bad_timestamp,
  trailing_text,
  too_long,
  bad_utf8,
  bad_json  // of what is promised to be JSON, line by line
};
std::string_view to_string(LineFault fault);

}  // namespace doctor

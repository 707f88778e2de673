#include "agent/logs/glob.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGlobBytesMax = 1024;

bool is_pattern(const std::string& part) { return part.find_first_of("*?[") != std::string::npos; }

/// Walks down the parts of one pattern.
class Search {
 public:
  explicit Search(std::size_t entries_max) : entries_left_(entries_max) {}

  void descend(const fs::path& at, std::string_view rest);
  GlobFound take();

 private:
  void list(const fs::path& directory, const std::string& part, std::string_view rest);
  void keep(const fs::path& path);
  void complain(ErrorCode code, const fs::path& where, const std::string& why) {
    if (!fault_) fault_ = Error{code, printable(where.string(), 400) + ": " + why};
  }

  std::size_t entries_left_;
  std::vector<std::pair<fs::file_time_type, std::string>> found_;
  std::optional<Error> fault_;
};

void Search::descend(const fs::path& at, std::string_view rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  if (rest.empty()) return keep(at);
  const std::string part(rest.substr(0, rest.find('/')));
  rest.remove_prefix(part.size());
  if (is_pattern(part)) return list(at, part, rest);
  descend(at / part, rest);
}

void Search::list(const fs::path& directory, const std::string& part, std::string_view rest) {
  std::error_code fault;
  fs::directory_iterator entry(directory, fault);
  const bool absent =
      fault == std::errc::no_such_file_or_directory || fault == std::errc::not_a_directory;
  if (fault && !absent) complain(ErrorCode::io, directory, fault.message());
  if (fault) return;
  for (; entry != fs::directory_iterator(); entry.increment(fault)) {
    if (entries_left_ == 0) {
      return complain(ErrorCode::too_large, directory, "more entries than are looked at");
    }
    --entries_left_;
    const std::string name = entry->path().filename().string();
    if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    if (rest.empty() && is_rotated_name(name)) continue;
    descend(entry->path(), rest);
  }
  if (fault) complain(ErrorCode::io, directory, fault.message());
}

void Search::keep(const fs::path& path) {
  std::error_code fault;
  const fs::file_status status = fs::status(path, fault);
  if (fault && fault != std::errc::no_such_file_or_directory) {
    return complain(ErrorCode::io, path, fault.message());
  }
  if (status.type() != fs::file_type::regular) return;
  const fs::file_time_type written = fs::last_write_time(path, fault);
  if (!fault) found_.emplace_back(written, path.string());
}

GlobFound Search::take() {
  std::sort(found_.begin(), found_.end(), std::greater<>());
  GlobFound found;
  for (auto& [written, path] : found_) found.paths.push_back(std::move(path));
  found.fault = std::move(fault_);
  return found;
}

}  // namespace

GlobFound find_files(const std::string& pattern, std::size_t entries_max) {
  Search search(entries_max);
  search.descend("/", pattern);
  return search.take();
}

bool is_rotated_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot + 1 == name.size()) return false;
  const std::string suffix = name.substr(dot + 1);
  if (suffix == "gz" || suffix == "zip" || suffix == "bz2" || suffix == "xz" || suffix == "zst") {
    return true;
  }
  return suffix.find_first_not_of("0123456789-") == std::string::npos;
}

Result<std::string> parse_log_glob(const std::string& text) {
  const auto invalid = [&](const char* why) {
    return Error{ErrorCode::invalid_argument, "\"" + printable(text, 80) + "\" " + why};
  };
  if (text.size() > kGlobBytesMax) return invalid("is too long for a path");
  if (!text.starts_with('/')) return invalid("is not an absolute path, as /opt/flink/log/*.log is");
  if (text.ends_with('/')) return invalid("names a directory; add /*.log");
  if (text.find('\0') != std::string::npos) return invalid("holds a zero byte");
  return text;
}

}  // namespace doctor

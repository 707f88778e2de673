#include "collectors/kubernetes/targets.hpp"

#include <algorithm>

#include "collectors/percent_encoding.hpp"
#include "model/text.hpp"

namespace doctor::kubernetes {
namespace {

constexpr std::size_t kNamespaceBytesMax = 63;
constexpr std::size_t kSelectorBytesMax = 500;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_namespace(std::string_view text) {
  if (text.empty() || text.size() > kNamespaceBytesMax) return false;
  const auto fits = [](char c) { return is_alnum(c) || c == '-'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return std::all_of(text.begin(), text.end(), fits) &&
         std::none_of(text.begin(), text.end(), upper) && text.front() != '-' && text.back() != '-';
}

bool is_selector(std::string_view text) {
  constexpr std::string_view kMarks = "-_./=!,() ";
  return text.size() <= kSelectorBytesMax && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
         });
}

std::string selection_text(const std::string& namespace_, const std::string& selector) {
  return printable(namespace_, kNamespaceBytesMax) + "/" +
         (selector.empty() ? "*" : printable(selector, kSelectorBytesMax));
}

std::string warnings_target(const std::string& namespace_) {
  return "/api/v1/namespaces/" + percent_encoded(namespace_) +
         "/events?fieldSelector=type%3DWarning&limit=500";
}

std::string flink_deployments_target(const std::string& namespace_) {
  return flink_group_target() + "/namespaces/" + percent_encoded(namespace_) +
         "/flinkdeployments?limit=100";
}

std::string flink_group_target() { return "/apis/flink.apache.org/v1beta1"; }

}  // namespace doctor::kubernetes

// What we ask an API server for: paths, and what of a user's or a server's text may go into them.
#pragma once

#include <string>
#include <string_view>

namespace doctor::kubernetes {

/// A namespace's name: RFC 1123 label.
bool is_namespace(std::string_view text);
/// Characters that a label selector is made of; the server judges the rest.
bool is_selector(std::string_view text);

/// "flink/app=orders", for people.
std::string selection_text(const std::string& namespace_, const std::string& selector);

/// Warnings alone: the rest is thousands of lines of everyday life.
std::string warnings_target(const std::string& namespace_);
std::string flink_deployments_target(const std::string& namespace_);
/// What the Flink operator's definitions are under; a server that has none of them knows no such
/// place.
std::string flink_group_target();

}  // namespace doctor::kubernetes

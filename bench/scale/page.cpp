#include "bench/scale/page.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace doctor::bench {
namespace {

constexpr double kCounterMin = 1e7;  // what Java writes with an exponent
constexpr double kStep = 1501;

std::string task_manager(const std::string& address) { return address + ":6122-62cb09"; }

}  // namespace

Page::Page(std::string text) : text_(std::move(text)) {
  std::size_t begin = 0;
  while (begin < text_.size()) {
    const std::size_t end = text_.find('\n', begin);
    const std::size_t value_at = text_.rfind(' ', end) + 1;
    double value = 0;
    std::from_chars(text_.data() + value_at, text_.data() + end, value);
    if (text_[begin] != '#' && value >= kCounterMin) {
      counters_.push_back({static_cast<std::uint32_t>(value_at),
                           static_cast<std::uint32_t>(end - value_at), value});
    }
    begin = end + 1;
  }
}

void Page::next() {
  for (Counter& counter : counters_) {
    counter.value += kStep;
    const std::string digits = java_double(counter.value);
    if (digits.size() == counter.size) text_.replace(counter.at, counter.size, digits);
  }
}

void Page::restart_tasks() {
  constexpr std::string_view kLabel = "task_attempt_id=\"";
  std::array<char, 9> number{};
  std::snprintf(number.data(), number.size(), "%08x", ++restarts_);
  for (std::size_t at = text_.find(kLabel); at != std::string::npos; at = text_.find(kLabel, at)) {
    at += kLabel.size();
    text_.replace(at, 8, number.data(), 8);
  }
}

RestAnswers rest_answers(const BodyShape& shape, const std::vector<std::string>& addresses) {
  const std::string job = job_id();
  std::string managers;
  for (const std::string& address : addresses) {
    managers += (managers.empty() ? "" : ",") + std::string(R"({"id":")") + task_manager(address) +
                R"(","path":"pekko.tcp://flink@)" + address +
                R"(:6122/user/rpc/taskmanager_0","slotsNumber":5,"freeSlots":0})";
  }
  std::string vertices;
  std::string nodes;  // a line of tasks, the first of which is the source
  const std::size_t parallelism = subtasks_per_target(shape) * addresses.size();
  for (std::size_t task = 0; task < kTasks; ++task) {
    vertices += (task == 0 ? "" : ",") + std::string(R"({"id":")") + vertex_id(task) +
                R"(","name":"v)" + std::to_string(task) + R"(","parallelism":)" +
                std::to_string(parallelism) + R"(,"status":"RUNNING"})";
    const std::string input =
        task == 0 ? ""
                  : R"({"num":0,"ship_strategy":"HASH","id":")" + vertex_id(task - 1) + R"("})";
    nodes += (task == 0 ? "" : ",") + std::string(R"({"id":")") + vertex_id(task) +
             R"(","inputs":[)" + input + "]}";
  }
  const std::string tasks = std::to_string(parallelism * kTasks);
  RestAnswers answers;
  answers[""] = R"({"errors":["Not found."]})";
  answers["/config"] = R"({"flink-version":"1.20.0","refresh-interval":3000})";
  answers["/jobs/overview"] = R"({"jobs":[{"jid":")" + job +
                              R"(","name":"bench","state":"RUNNING","start-time":1700000000000,
    "end-time":-1,"duration":1,"last-modification":1700000001000,"tasks":{"total":)" +
                              tasks + R"(,"running":)" + tasks + "}}]}";
  answers["/taskmanagers"] = R"({"taskmanagers":[)" + managers + "]}";
  answers["/jobs/" + job] = R"({"jid":")" + job +
                            R"(","name":"bench","state":"RUNNING","start-time":1700000000000,
    "end-time":-1,"timestamps":{"RUNNING":1700000001000},"vertices":[)" +
                            vertices + R"(],"plan":{"nodes":[)" + nodes + "]}}";
  answers["/jobs/" + job + "/checkpoints"] =
      R"({"counts":{"restored":0,"total":0,"in_progress":0,"completed":0,"failed":0},
          "latest":null,"history":[]})";
  answers["/jobs/" + job + "/exceptions"] = R"({"exceptionHistory":{"entries":[]}})";
  answers["/jobmanager/config"] = "[]";
  return answers;
}

}  // namespace doctor::bench

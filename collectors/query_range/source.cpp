#include "collectors/query_range/source.hpp"

#include <utility>

namespace doctor::query_range {
namespace {

constexpr int kUnprocessable = 422;
constexpr int kTooMany = 429;

/// Takes nothing: for answers that only say what went wrong.
class NoSink final : public MatrixSink {
 public:
  Status series(std::span<const exposition::Label> /*labels*/) override { return Done{}; }
  void sample(TimestampMs /*at*/, double /*value*/) override {}
};

Asked refusal(int status, const std::string& body, const Limits& limits) {
  NoSink none;
  const Result<Answer> told = read_matrix(body, none, limits);
  std::string text = "answers HTTP " + std::to_string(status) + " to a range query";
  if (!told && told.error().code == ErrorCode::http_status) text += "; " + told.error().message;
  if (status == 404) text += "; is the URL the one below which /api/v1/query_range is?";
  if (status == 401) text += "; does it want a login, or a tenant in the header X-Scope-OrgID?";
  return {Error{ErrorCode::http_status, std::move(text)}, status == kTooMany || status >= 500,
          status == kUnprocessable};
}

Asked failure(const Error& error) {
  const ErrorCode code = error.code;
  const bool later = code == ErrorCode::refused || code == ErrorCode::name_resolution ||
                     code == ErrorCode::reset || code == ErrorCode::truncated;
  return {error, later, code == ErrorCode::too_large || code == ErrorCode::timeout};
}

}  // namespace

boost::asio::awaitable<Asked> ask(Http& http, Endpoint store, std::string target, Slice& slice,
                                  const Limits& limits) {
  HttpRequest request;
  request.endpoint = std::move(store);
  request.target = std::move(target);
  request.accept_gzip = true;
  StringSink body;
  const HttpCaps caps{limits.history_body_bytes_max, limits.history_body_bytes_max,
                      limits.history_deadline_ms};
  const Result<HttpReply> reply = co_await http.exchange(std::move(request), body, caps);
  if (!reply) co_return failure(reply.error());
  if (reply->status != 200) co_return refusal(reply->status, body.text, limits);
  Result<Answer> answer = read_matrix(body.text, slice, limits);
  if (!answer) co_return failure(answer.error());
  co_return Asked{std::move(answer)};
}

}  // namespace doctor::query_range

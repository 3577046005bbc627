// libcurl for Swift. Swift cannot call C functions with `...`, and libcurl sets and asks everything through two of
// them: here is one function for each type of value. What is set, and why, is decided in Sources/Delivery.
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// Called with a piece of the answer, `size` times `count` bytes; anything but that product ends the transfer.
typedef size_t (*ccurl_receive)(char *bytes, size_t size, size_t count, void *_Nullable context);
/// Called now and then during a transfer, at least about once a second; anything but 0 ends the transfer.
typedef int (*ccurl_progress)(
    void *_Nullable context, curl_off_t toReceive, curl_off_t received, curl_off_t toSend, curl_off_t sent);
/// Opens the socket for an address that libcurl is about to connect to; CURL_SOCKET_BAD refuses the address.
typedef curl_socket_t (*ccurl_open_socket)(
    void *_Nullable context, curlsocktype purpose, struct curl_sockaddr *address);

/// curl_easy_setopt(3) for options that take a `long`.
CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
/// curl_easy_setopt(3) for options that take a `curl_off_t`.
CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
/// curl_easy_setopt(3) for options that take a string, which libcurl copies.
CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value);
/// curl_easy_setopt(3) for options that take memory, which the caller keeps alive.
CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *_Nullable value);
/// CURLOPT_HTTPHEADER; the caller keeps the list alive.
CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *_Nullable headers);
/// CURLOPT_WRITEFUNCTION: receives the body of the answer.
CURLcode ccurl_on_body(CURL *handle, ccurl_receive function, void *context);
/// CURLOPT_HEADERFUNCTION: receives the head of the answer, line by line.
CURLcode ccurl_on_head(CURL *handle, ccurl_receive function, void *context);
/// CURLOPT_XFERINFOFUNCTION, switched on.
CURLcode ccurl_on_progress(CURL *handle, ccurl_progress function, void *context);
/// CURLOPT_OPENSOCKETFUNCTION.
CURLcode ccurl_on_open_socket(CURL *handle, ccurl_open_socket function, void *context);
/// Allows http and https and nothing else, for the request and for any redirect.
CURLcode ccurl_only_http(CURL *handle);
/// Does not wait for a name server that answers late once the transfer is given up (no-op before libcurl 7.87).
CURLcode ccurl_leave_resolver_behind(CURL *handle);
/// CURLINFO_RESPONSE_CODE; 0 where no answer came.
long ccurl_status(CURL *handle);
/// CURLINFO_SIZE_UPLOAD_T: how many bytes of the body were sent.
curl_off_t ccurl_sent_bytes(CURL *handle);

#pragma clang assume_nonnull end

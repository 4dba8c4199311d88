/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The API of tlsrpt_stats: its resources, and what they share.
 */

#ifndef NGX_HTTP_TLSRPT_API_H
#define NGX_HTTP_TLSRPT_API_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_answer.h"

#pragma GCC visibility push(hidden)

/* The content handler of tlsrpt_stats. */
ngx_int_t ngx_http_tlsrpt_api_handler(ngx_http_request_t *r);

/* What a request is for, of its pool; len 0: the path does not name it. */
typedef struct {
    ngx_str_t     domain;                   /* normalized */
    ngx_str_t     id;                       /* of a report, as given */
    ngx_int_t     type;                     /* that the client likes best,
                                               position in the route's */
} ngx_http_tlsrpt_target_t;

/* The media types of a resource, for Accept, and what 406 says. */
typedef struct {
    const ngx_str_t  *types;
    ngx_uint_t        ntypes;
    const char       *refusal;
} ngx_http_tlsrpt_types_t;

/* A resource answers as a content handler does. */
typedef ngx_int_t (*ngx_http_tlsrpt_resource_pt)(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);

/* Of tables: their numbers in it. */
enum {
    NGX_HTTP_TLSRPT_JSON = 0,
    NGX_HTTP_TLSRPT_CSV
};

extern const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_report_types;
extern const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_tool_report_types;
extern const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_records_types;
extern const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_metrics_types;
extern const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_contact_types;

ngx_int_t ngx_http_tlsrpt_domains_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_stats_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);

ngx_int_t ngx_http_tlsrpt_health_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_open_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_events_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);

ngx_int_t ngx_http_tlsrpt_problems_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_reports_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_senders_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_report_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_tool_report_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);

ngx_int_t ngx_http_tlsrpt_records_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_setup_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_policy_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_proposal_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_simulate_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_contact_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_metrics_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_tool_record_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);
ngx_int_t ngx_http_tlsrpt_tool_policy_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target);

/* What tools/policy says of a policy text: {"valid","errors","warnings",
   "policy","id"}; *policy, where it is valid.  NULL: no memory. */
json_t *ngx_http_tlsrpt_tool_policy_json(const ngx_str_t *text,
    mta_sts_policy_t *policy);

/* {"mode","max-age","mx"} of a policy; NULL: no memory. */
json_t *ngx_http_tlsrpt_policy_members(const mta_sts_policy_t *policy);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_API_H */

/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/tools/record and BASE/tools/policy: they look at what they are given,
 * and at nothing else.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_params.h"
#include "tlsrpt_dns.h"


typedef struct {
    ngx_http_request_t           *request;
    ngx_str_t                     txt;      /* data NULL: not given */
    ngx_str_t                     rua;
} ngx_http_tlsrpt_tool_record_t;

typedef struct {
    json_t                       *errors;
    json_t                       *warnings;
} ngx_http_tlsrpt_tool_policy_t;


static int ngx_http_tlsrpt_tool_record_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static json_t *ngx_http_tlsrpt_tool_record_make(ngx_str_t *rua);
static ngx_int_t ngx_http_tlsrpt_tool_policy(ngx_http_request_t *r);
static void ngx_http_tlsrpt_tool_policy_remark(void *ctx, int is_error,
    size_t at, const char *section, const char *message);


ngx_int_t
ngx_http_tlsrpt_tool_record_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_str_t                    name;
    tlsrpt_error_t                  error;
    ngx_http_tlsrpt_tool_record_t   tool;

    ngx_memzero(&tool, sizeof(ngx_http_tlsrpt_tool_record_t));
    tool.request = r;

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_tool_record_param, &tool,
                               &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    if ((tool.txt.data == NULL) == (tool.rua.data == NULL)) {
        name.data = "txt";
        name.len = 3;
        tlsrpt_param_fail(&error, name, "give txt, a record to check, or rua, "
                          "the addresses to make one of");
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_answer_json(r, tool.txt.data
               ? tlsrpt_dns_check((char *) tool.txt.data, tool.txt.len)
               : ngx_http_tlsrpt_tool_record_make(&tool.rua));
}


static int
ngx_http_tlsrpt_tool_record_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_tool_record_t  *tool = data;

    ngx_str_t  *to;

    if (tlsrpt_param_is(name, "txt")) {
        to = &tool->txt;

    } else if (tlsrpt_param_is(name, "rua")) {
        to = &tool->rua;

    } else {
        return tlsrpt_param_unknown(error, name);
    }

    to->data = ngx_pnalloc(tool->request->pool, value.len + 1);
    if (to->data == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    to->len = value.len;
    ngx_memcpy(to->data, value.data, value.len);

    return TLSRPT_OK;
}


/* Commas between, as in the record: one within a URI is written %2C there. */

static json_t *
ngx_http_tlsrpt_tool_record_make(ngx_str_t *rua)
{
    size_t         n;
    u_char        *p, *last, *comma;
    tlsrpt_str_t   list[TLSRPT_MAX_RUA];

    p = rua->data;
    last = p + rua->len;

    for (n = 0; n < TLSRPT_MAX_RUA; n++) {

        while (p < last && *p == ' ') {
            p++;
        }

        comma = ngx_strlchr(p, last, ',');

        list[n].data = (char *) p;
        list[n].len = (size_t) ((comma ? comma : last) - p);

        while (list[n].len && list[n].data[list[n].len - 1] == ' ') {
            list[n].len--;
        }

        if (comma == NULL) {
            return tlsrpt_dns_make(list, n + 1);
        }

        p = comma + 1;
    }

    return tlsrpt_dns_make(list, n);
}


ngx_int_t
ngx_http_tlsrpt_tool_policy_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_tool_policy);
}


static ngx_int_t
ngx_http_tlsrpt_tool_policy(ngx_http_request_t *r)
{
    ngx_str_t         text;
    mta_sts_policy_t  policy;

    if (ngx_http_tlsrpt_body_exceeds(r, MTA_STS_MAX_SIZE)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "a policy has 65536 bytes at most");
    }

    if (ngx_http_tlsrpt_body_text(r, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_answer_json(r,
                           ngx_http_tlsrpt_tool_policy_json(&text, &policy));
}


json_t *
ngx_http_tlsrpt_tool_policy_json(const ngx_str_t *text,
    mta_sts_policy_t *policy)
{
    char                            id[MTA_STS_ID_LEN + 1];
    json_t                         *json;
    ngx_int_t                       rc;
    ngx_http_tlsrpt_tool_policy_t   tool;

    tool.errors = json_array();
    tool.warnings = json_array();

    rc = mta_sts_policy_parse_strictly((char *) text->data, text->len, policy,
                                       ngx_http_tlsrpt_tool_policy_remark,
                                       &tool);

    if (rc != 0) {
        return json_pack("{s:b, s:o, s:o, s:n, s:n}", "valid", 0,
                         "errors", tool.errors, "warnings", tool.warnings,
                         "policy", "id");
    }

    mta_sts_policy_id(policy, id);

    json = json_pack("{s:b, s:o, s:o, s:o, s:s}", "valid", 1,
                     "errors", tool.errors, "warnings", tool.warnings,
                     "policy", ngx_http_tlsrpt_policy_members(policy),
                     "id", id);

    return json;
}


static void
ngx_http_tlsrpt_tool_policy_remark(void *ctx, int is_error, size_t at,
    const char *section, const char *message)
{
    ngx_http_tlsrpt_tool_policy_t  *tool = ctx;

    json_array_append_new(is_error ? tool->errors : tool->warnings,
                          json_pack("{s:I, s:s, s:s}",
                                    "at", (json_int_t) at,
                                    "message", message, "section", section));
}

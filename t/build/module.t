# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The object shows nginx what it must, and nothing else: nginx loads modules
# RTLD_GLOBAL, so a symbol more could take the place of another module's.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $module = "$top/build/ngx_http_tlsrpt_module.so";

my @exported = map { (split)[-1] } `nm -D --defined-only $module`;
is_deeply [sort @exported],
    [qw(ngx_module_names ngx_module_order ngx_modules)],
    'exports the three tables of an nginx module';

my @undefined = map { (split)[-1] } `nm -D --undefined-only $module`;
is_deeply [grep { /^(?:redis|sds)|tlsrpt|mta_sts/ } @undefined], [],
    'hiredis and the core are inside';

my $dynamic = `readelf -dl $module`;
like $dynamic, qr/GNU_RELRO/, 'relocations are read-only';
like $dynamic, qr/BIND_NOW|\bNOW\b/, 'bound at once';
unlike $dynamic, qr/hiredis/, 'needs no shared hiredis';

my $t = servers(nginx => 0);
my ($good, $said) = $t->nginx_test;
ok $good, 'nginx loads it' or diag $said;

done_testing;

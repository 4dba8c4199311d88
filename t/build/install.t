# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# make install and uninstall, into a directory.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $t = servers(nginx => 0);
my $root = $t->dir . '/root';

sub installed { return sort split /\n/, `cd $root && find . ! -type d` }

mkdir $root;
local $ENV{MAKEFLAGS};
is system("make -s -C $top install DESTDIR=$root > /dev/null"), 0,
    'make install';

my %installed = map { $_ => 1 } installed();
my $available = './usr/share/nginx/modules-available/mod-http-tlsrpt.conf';
my $enabled = './etc/nginx/modules-enabled/50-mod-http-tlsrpt.conf';

ok $installed{'./usr/lib/nginx/modules/ngx_http_tlsrpt_module.so'},
    'the module';
ok $installed{$available}, 'its load_module';
ok $installed{"./usr/share/rspamd/lualib/$_.lua"}, "$_ of rspamd"
    for qw(tlsrpt/closing tlsrpt/dkim tlsrpt/counters tlsrpt/memory tlsrpt/timer
            rspamadm/tlsrpt);
is readlink("$root/$enabled"), substr($available, 1), 'enabled';
is $t->read_file("$root/$available"),
    "load_module modules/ngx_http_tlsrpt_module.so;\n", 'as Debian does it';

is system("make -s -C $top uninstall DESTDIR=$root > /dev/null"), 0,
    'make uninstall';
is_deeply [installed()], [], 'leaves nothing';

done_testing;

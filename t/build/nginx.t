# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# An nginx of one's own, in a folder of its own: what is built follows the
# binary, what is installed fits it, and what is in use stays.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $t = servers(nginx => 0);
my $dir = $t->dir;
my $prefix = "$dir/opt";
my $module = "$prefix/modules/ngx_http_tlsrpt_module.so";

# The real one, that says of itself what we want.
sub nginx_is {
    my ($arguments) = @_;

    my ($version) = `$t->{nginx} -V 2>&1` =~ /^(nginx version: .*)/m;
    $t->write_file("$prefix/nginx", <<"END");
#!/bin/bash
case " \$* " in
*" -V "*) echo "$version"; echo "configure arguments: $arguments" ;;
*" -h "*) echo "  -p prefix     : set prefix path (default: $prefix/)" ;;
*" -T "*) exec $t->{nginx} -p $prefix -c $prefix/nginx.conf -e stderr "\$@" ;;
*)        exec $t->{nginx} "\$@" ;;
esac >&2
END
    chmod 0755, "$prefix/nginx";

    return;
}

# What make said, and whether it was content.
sub make {
    my (@arguments) = @_;

    local $ENV{MAKEFLAGS} = '';
    my $said = `make -s -C $top B=$dir/build NGINX=$prefix/nginx CFLAGS=-O0 @arguments 2>&1`;

    return ($? == 0, $said);
}

sub built { return (stat "$dir/build/ngx_http_tlsrpt_module.so")[9] || 0 }

mkdir $prefix;
my $compatible = "--prefix=$prefix --with-compat --with-http_ssl_module";
nginx_is($compatible);

my ($good, $said) = make('install-nginx');
ok $good, 'make install-nginx' or diag $said;
like $said, qr/^Building /m, 'builds the module';
ok -e $module, 'and installs it where that nginx has its modules';
like $said, qr/^    load_module \Q$module\E;$/m, 'and says how it is loaded';

my $first = built();
($good, $said) = make('nginx');
ok $good, 'make once more';
is $said, '', 'says nothing, as there is nothing to do';
is built(), $first, 'and does nothing';


# Another nginx takes its place: one that was not built for modules from
# elsewhere, so that what it was built with matters.
my $before = (stat $module)[9];
nginx_is("--prefix=$prefix --without-http_gzip_module --with-cc-opt='-g -O2'");

($good, $said) = make('install-nginx');
like $said, qr/^Building /m, 'nginx is another one: built anew';
ok !$good, 'what the binary does not load is not installed';
like $said, qr/is not binary compatible/, 'nginx says why';
like $said, qr/^\S+nginx does not load \S+, so it is not installed/m, 'and we';
is +(stat $module)[9], $before, 'the one that was installed stays';


# Uninstalling
nginx_is($compatible);
my $conf = <<"END";
load_module $module;
events {}
http {
    # tlsrpt_domain example.com;
    include $prefix/more;
    log_format reports '\$tlsrpt_status';
}
END
$t->write_file("$prefix/nginx.conf", $conf);
$t->write_file("$prefix/more", "    tlsrpt_redis 127.0.0.1:6379;\n");

($good, $said) = make('uninstall-nginx');
ok !$good, 'uninstalling while nginx needs the module fails';
is $said =~ s/^make(?:\[\d+\])?:.*\n//mr, <<"END", 'and says where it does';
$prefix/nginx.conf:1: load_module $module;
$prefix/nginx.conf:6: log_format reports '\$tlsrpt_status';
$prefix/more:1: tlsrpt_redis 127.0.0.1:6379;
With these lines nginx would not start again.  Take them out first, or: make uninstall FORCE=1
END
ok -e $module, 'and nothing is gone';

($good, $said) = make('uninstall-nginx', 'FORCE=1');
ok $good, 'FORCE=1: uninstalled even so';
like $said, qr/tlsrpt_redis/, 'and said';
ok !-e $module, 'it is gone';

($good, $said) = make('uninstall-nginx');
ok !$good, 'nginx cannot say what it needs';
like $said, qr/dlopen\(\).* failed/, 'and why';

$t->write_file("$prefix/nginx.conf", "events {}\n");
($good, $said) = make('uninstall-nginx');
ok $good, 'where nothing needs it' or diag $said;
is $said, '', 'not a word';

done_testing;

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A packager's flags are added to ours, in both halves, from the environment
# and from the command line; warnings are errors unless they shall not be.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $t = servers(nginx => 0);
my $dir = $t->dir;
my %object = (nginx => 'ngx_http_tlsrpt_module.so', rspamd => 'tlsrpt_lua.so');

sub make {
    my ($half, $env, @arguments) = @_;

    local $ENV{MAKEFLAGS} = '';
    local @ENV{keys %$env} = values %$env;

    return system("make -s -C $top B=$dir/build $half @arguments"
                  . " > $dir/out 2>&1") == 0;
}

# How an object was compiled, as gcc writes it into it.
sub dwarf {
    my ($half) = @_;

    return `readelf --debug-dump=info $dir/build/$object{$half} 2>/dev/null`;
}

for my $half (sort keys %object) {
    my $how = $half eq 'nginx' ? 'the command line' : 'the environment';
    my $object = "$dir/build/$object{$half}";
    my %flags = (CFLAGS => '-O0 -g3 -Wpadded', CPPFLAGS => '-DTLSRPT_GIVEN',
                 LDFLAGS => '-Wl,--build-id=0x123456789abcdef0', WERROR => '');

    ok $half eq 'nginx'
        ? make($half, {}, map { "$_='$flags{$_}'" } keys %flags)
        : make($half, \%flags), "$half, flags by $how" or diag
            $t->read_file('out');

    like $t->read_file('out'), qr/\[-Wpadded\]/, "$half: warned";
    my ($producer) = dwarf($half) =~ /DW_AT_producer.*?(GNU C11 .* -O0.*)/;
    like $producer, qr/-O2 .*-O0/, "$half: CFLAGS come behind ours";
    like $producer, qr/-fstack-protector-strong/, "$half: hardened as ever";
    like `readelf -p .debug_str $object`, qr/\bTLSRPT_GIVEN 1$/m,
        "$half: CPPFLAGS";
    like `readelf -n $object 2>/dev/null`, qr/Build ID: 123456789abcdef0$/m,
        "$half: LDFLAGS";

    ok !make($half, {}, 'CFLAGS="-O0 -Wpadded"'),
        "$half: without WERROR= a warning is an error";
    like $t->read_file('out'), qr/\[-Werror=padded\]/, "$half: that one";
}

done_testing;

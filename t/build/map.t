# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The map in CONTRIBUTING.md is true: it names every file of the tree, by itself
# or by its folder's line, and what it names is there.  Its lines, and those of
# the C files, have at most 80 columns.

use TLSRPT::Test;

use File::Find qw(find);

my $top = TLSRPT::Server->top;
my @FOLDERS = qw(shared ngx_tlsrpt_module rspamd_plugin bench t tools);

sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;

    return scalar <$fh>;
}

# Paths below the top, by folder.
sub files_of {
    my ($dir, @folders) = @_;

    my @files;

    find({ no_chdir => 1, wanted => sub {
        $File::Find::prune = 1 if m{/node_modules$};
        push @files, substr $_, length($dir) + 1 if -f;
    } }, map { "$dir/$_" } @folders);

    return sort @files;
}

# What the map names, a path each; one that ends in "/" is of all below.  Lines
#
#     folder/
#       name      what it is
#
# name files of the folder, without .c and .h, and without ngx_http_ before; a
# row of the tests' table a folder.
sub named {
    my ($text) = @_;

    my ($folder, @named);

    for (split /\n/, $text) {
        if (m{^    (\w+/\S*)$}) {
            $folder = $1;
        } elsif (m{^      (\S+)  } && defined $folder) {
            push @named, $folder . $1;
        } else {
            undef $folder;
            push @named, $1 if m{^\| `(t/[\w/]+/)` \|};
        }
    }

    return @named;
}

# Is the file what the map means by the name?
sub is_named {
    my ($file, $name) = @_;

    return index($file, $name) == 0 if $name =~ m{/$};

    my ($folder, $base) = $name =~ m{^(.*/)?([^/]*)$};
    $folder //= '';

    return $file =~ m{^\Q$folder\E(?:ngx_http_)?\Q$base\E(?:\.[ch])?$};
}

sub unnamed {
    my ($files, $named) = @_;

    return grep {
        my $file = $_;
        !grep { is_named($file, $_) } @$named;
    } @$files;
}

sub missing {
    my ($files, $named) = @_;

    return grep {
        my $name = $_;
        !grep { is_named($_, $name) } @$files;
    } @$named;
}

# Paths that the text has in backquotes, of folders that are given.
sub mentioned {
    my ($text, @folders) = @_;

    my $folder = join '|', @folders;

    return $text =~ m{`((?:$folder)/[^\s`]*)`}g;
}

sub is_none {
    my ($name, @wrong) = @_;

    return is join("\n", @wrong), '', $name;
}


# These notice what they are for

{
    my @files = qw(a/x.c a/x.h a/ngx_http_y.c a/b/z.lua t/core/one.c tools/run);
    my $map = <<'END';
    a/
      x           the first
      y           the second, see `a/x.h`, `a/gone.h` and `c/x.h`
      b/z.lua     the third

    a piece of code
      that        is no map

    tools/
      run         a tool

| `t/core/` | tests |
END
    my @named = named($map);

    is "@named", 'a/x a/y a/b/z.lua tools/run t/core/', 'the map is read';
    is_none 'every file is named', unnamed(\@files, \@named);
    is_none 'every name is a file', missing(\@files, \@named);
    is join(' ', unnamed([@files, 'a/xx.c', 'a/b/x.c', 'ngx_http_x.c'],
                         \@named)),
        'a/xx.c a/b/x.c ngx_http_x.c', 'files that are not';
    is join(' ', missing([@files[1 .. 4]], \@named)), 'tools/run',
        'a name that is none';
    is join(' ', mentioned($map, 'a', 't')), 'a/x.h a/gone.h t/core/',
        'paths that are mentioned';
}


# The map

my $text = slurp("$top/CONTRIBUTING.md");
my @files = files_of($top, @FOLDERS);
my @named = named($text);

cmp_ok scalar(@named), '>', 100, 'CONTRIBUTING.md has a map';
is_none 'it names every file', unnamed(\@files, \@named);
is_none 'and none that is not there', missing(\@files, \@named);
is_none 'paths elsewhere on the page are there, too',
    grep { my @found = glob "$top/$_"; !@found || !-e $found[0] }
    mentioned($text, @FOLDERS, 'run', 'doc');


# Columns

sub too_long {
    my ($path) = @_;

    my $number = 0;

    return map { $number++; length > 80 ? "$path:$number" : () }
        split /\n/, slurp("$top/$path");
}

is_none 'no line has more than 80 columns',
    map { too_long($_) } 'CONTRIBUTING.md', grep { /\.[ch]$/ } @files;

done_testing;

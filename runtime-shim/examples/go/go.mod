module example.org/faas

go 1.19

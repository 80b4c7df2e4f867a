@echo off
rem RenalAI's launcher for Windows: makes .venv on first use, installs what the words given need and nothing
rem else, and hands the words to the command renalai. "run test [pytest's words]" checks everything.
rem RENALAI_PYTHON names another Python, RENALAI_TORCH another torch ("torch==2.9.1").
setlocal EnableExtensions
set "root=%~dp0"
set "root=%root:~0,-1%"
set "venv=%root%\.venv"
set "python=%venv%\Scripts\python.exe"
for /f "skip=1 tokens=1" %%h in ('certutil -hashfile "%root%\pyproject.toml" SHA256') do if not defined hash set "hash=%%h"
set "wanted=%hash% %root%"

call :need "" || exit /b 2
if /i "%~1"=="test" goto test
for %%w in (train dataset evaluate publish) do if /i "%~1"=="%%w" (call :need train || exit /b 2)
if /i "%~1"=="pacs" (call :need pacs || exit /b 2)
if /i "%~1"=="deidentify" (call :need dicom || exit /b 2)
if /i "%~1"=="segment" for %%w in (%*) do if /i "%%~w"=="--dicom" (call :need dicom || exit /b 2)
if /i "%~1"=="batch" for %%w in (%*) do if /i "%%~w"=="--pacs" (call :need pacs || exit /b 2)
if /i "%~1"=="batch" for %%w in (%*) do if /i "%%~w"=="--dicom" (call :need dicom || exit /b 2)
if /i "%~1"=="batch" for %%w in (%*) do if /i "%%~w"=="dask" (call :need dask || exit /b 2)
if /i "%~1"=="bench" for %%w in (%*) do if /i "%%~w"=="--peers" (call :need peers || exit /b 2)
"%venv%\Scripts\renalai.exe" %*
exit /b %errorlevel%

:test
call :need test || exit /b 2
cd /d "%root%"
set "failed="
"%python%" -m ruff check . || set "failed=%failed% ruff"
"%python%" -m ruff format --check . || set "failed=%failed% format"
"%python%" -m mypy || set "failed=%failed% mypy"
"%venv%\Scripts\lint-imports.exe" --no-cache || set "failed=%failed% import-linter"
set "words="
:more
shift
if not "%~1"=="" (set words=%words% %1& goto more)
if defined words ("%python%" -m pytest %words% || set "failed=%failed% pytest") else (call :whole)
if defined failed (echo failed:%failed%>&2 & exit /b 1)
exit /b 0

:whole
"%python%" -m pytest -n logical --maxprocesses 4 --dist loadfile -m "not alone" --cov --cov-report= || set "failed=%failed% pytest"
"%python%" -m pytest -m alone Testing || set "failed=%failed% alone"
"%python%" Testing\layercoverage.py || set "failed=%failed% coverage"
exit /b 0

:need
set "stamp=%venv%\.renalai-installed%~1"
set "have="
if exist "%stamp%" set /p have=<"%stamp%"
if "%have%"=="%wanted%" exit /b 0
"%python%" -c "import pip" >nul 2>&1 || (call :make || exit /b 1)
set "extra="
if not "%~1"=="" set "extra=[%~1]"
echo Installing RenalAI%extra% (once) ...>&2
if not "%~1"=="" if not "%~1"=="pacs" if not "%~1"=="dicom" if not "%~1"=="dask" "%python%" -c "import torch" >nul 2>&1 || call :torch
"%python%" -m pip install --quiet --disable-pip-version-check --editable "%root%%extra%" || exit /b 1
if not "%~1"=="" if not "%~1"=="pacs" if not "%~1"=="dicom" if not "%~1"=="dask" "%python%" -c "import pytorchcv" >nul 2>&1 || "%python%" -m pip install --quiet --no-deps pytorchcv || exit /b 1
if "%~1"=="peers" "%python%" -c "import nnunetv2" >nul 2>&1 || "%python%" -m pip install --quiet --no-deps nnunetv2 dynamic-network-architectures acvl-utils batchgenerators batchgeneratorsv2 || exit /b 1
>"%stamp%" echo %wanted%
exit /b 0

:torch
if not defined RENALAI_TORCH set "RENALAI_TORCH=torch==2.13.0"
"%python%" -m pip install --quiet --disable-pip-version-check "%RENALAI_TORCH%"
exit /b %errorlevel%

:make
set "base=%RENALAI_PYTHON%"
if not defined base (py -3 --version >nul 2>&1 && set "base=py -3" || set "base=python")
%base% -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>&1 || (
    echo run: RenalAI needs Python 3.11 or newer and found none; install it from python.org or set RENALAI_PYTHON>&2
    exit /b 1
)
echo Making %venv% ...>&2
%base% -m venv --clear "%venv%"
exit /b %errorlevel%
